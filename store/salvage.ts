/**
 * Reads what can still be read of a damaged data file into a new one: from both ends of the order of
 * keys up to the damage, then record by record by the keys that an index has. What lies on damaged
 * pages is lost.
 */

import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { ifFound } from "../core/if_found.ts";
import { removeDataFiles } from "./_data_files.ts";
import { fillEmptyTarget } from "./_empty_target.ts";
import { holdJournal } from "./_journal.ts";

interface SalvageOptions {
  /** The damaged file, which stays as it is. */
  readonly from: string;
  /** Must not exist. */
  readonly to: string;
  readonly onProgress?: (records: number) => void;
}

interface Salvaged {
  readonly records: number;
  /** Whether the end was reached from the beginning: nothing was unreadable. */
  readonly isComplete: boolean;
}

type Row = Readonly<Record<string, SQLInputValue>>;

const PROGRESS_EVERY = 10_000;
const AT_ONCE = 256;
const COLUMNS = ["k", "v", "v_encoding", "version", "seq", "expiration_ms"] as const;

/**
 * Salvages a data file and its journal.
 *
 * @throws {ServiceError} `store_unavailable` where nothing can be read, or the target is not empty
 */
export function salvageDataFile({ from, to, onProgress }: SalvageOptions): Promise<Salvaged> {
  const copy = `${to}-damaged`;
  return fillEmptyTarget(to, {
    what: `salvage ${from}`,
    write: async (partial) => {
      try {
        // SQLite writes beside a file that it opens, and the damaged one is evidence.
        for (const suffix of ["", "-wal"]) {
          await ifFound(Deno.copyFile(from + suffix, copy + suffix));
        }
        (await Deno.openKv(partial)).close(); // makes the tables
        const salvaged = copyRecords(copy, { to: partial, onProgress });
        using journal = holdJournal(from);
        for (const file of journal?.files ?? []) file.copyTo(partial);
        return salvaged;
      } finally {
        await removeDataFiles(copy);
      }
    },
  });
}

function copyRecords(
  from: string,
  { to, onProgress }: { readonly to: string; readonly onProgress?: SalvageOptions["onProgress"] },
): Salvaged {
  using source = new DatabaseSync(from);
  using target = new DatabaseSync(to);
  const insert = target.prepare(
    `INSERT OR IGNORE INTO kv (${COLUMNS}) VALUES (${COLUMNS.map(() => "?")})`,
  );
  let records = 0;
  const take = (row: Row): void => {
    const { changes } = insert.run(...COLUMNS.map((name) => row[name]!));
    if (Number(changes) > 0 && ++records % PROGRESS_EVERY === 0) onProgress?.(records);
  };
  target.exec("BEGIN");
  const isComplete = readFrom(source, { order: "ASC", take });
  if (!isComplete) {
    readFrom(source, { order: "DESC", take });
    readByIndex(source, take);
  }
  copyVersion(source, target);
  target.exec("COMMIT");
  if (records === 0 && !isComplete) throw new Error("no record can be read");
  return { records, isComplete };
}

/** Reads records in the order of their keys; false where something could not be read. */
function readFrom(
  source: DatabaseSync,
  { order, take }: { readonly order: "ASC" | "DESC"; readonly take: (row: Row) => void },
): boolean {
  const beyond = order === "ASC" ? ">" : "<";
  let last: SQLInputValue | undefined;
  for (let count = AT_ONCE;;) {
    let rows: readonly Row[];
    try {
      // Not `iterate()`: it takes an error for the end.
      rows = source.prepare(
        `SELECT ${COLUMNS} FROM kv ${last === undefined ? "" : `WHERE k ${beyond} ?`} ` +
          `ORDER BY k ${order} LIMIT ${count}`,
      ).all(...last === undefined ? [] : [last]) as readonly Row[];
    } catch {
      if (count === 1) return false;
      count = 1; // up to the record before the damage
      continue;
    }
    rows.forEach(take);
    if (rows.length < count) return true;
    last = rows.at(-1)!.k!;
  }
}

/** Beyond the damage: the index of expiries has every key, and each record is read by its own. */
function readByIndex(source: DatabaseSync, take: (row: Row) => void): void {
  let keys: readonly Row[];
  try {
    keys = source.prepare("SELECT k FROM kv INDEXED BY kv_expiration_ms_idx").all() as Row[];
  } catch {
    return;
  }
  const one = source.prepare(`SELECT ${COLUMNS} FROM kv WHERE k = ?`);
  for (const { k } of keys) {
    try {
      const row = one.get(k!) as Row | undefined;
      if (row) take(row);
    } catch {
      // this record is lost
    }
  }
}

/** Versions of records go on from where they were; 2^40 where that cannot be read. */
function copyVersion(source: DatabaseSync, target: DatabaseSync): void {
  let row: Row = { k: 0, version: 2 ** 40, seq: 0 };
  try {
    row = source.prepare("SELECT k, version, seq FROM data_version").get() as Row ?? row;
  } catch {
    // stays at the fallback
  }
  target.prepare("INSERT OR REPLACE INTO data_version (k, version, seq) VALUES (?, ?, ?)")
    .run(row.k!, row.version!, row.seq!);
}
