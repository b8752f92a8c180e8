/**
 * How claims of this node end, and the arguments of the scripts that write it. Settlements of a
 * segment go together, and where they are all of it, it is settled as a whole. Pure, but that a
 * segment of which a part is written is marked as split.
 */

import { encodeItem } from "../../buffer/mod.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { ClaimedItem } from "./_claims.ts";
import { ledgerFieldsOf, LONG_FIELD } from "./_ledger_fields.ts";
import { redisLedgerKey } from "./keys.ts";
import type { ClaimedSegment } from "./segment.ts";

/** The end of one claim. */
export interface Settlement {
  readonly item: ClaimedItem;
  /**
   * The record of the notification and those of merged ones. Empty: it is released after a pause.
   */
  readonly records: LedgerRecord[];
  readonly pauseMs: number;
  /** The write under way; never rejects. */
  writing?: Promise<void>;
}

/** Settlements of one segment, or one settlement. */
interface SettlementUnit {
  /** Absent where it is split, and for what was claimed by itself. */
  readonly segment?: ClaimedSegment;
  readonly parts: Settlement[];
}

/**
 * Records in one call at most; one notification with all that were merged into it may have more.
 */
const MAX_RECORDS = 512;

/** Groups settlements by their segments. */
export function unitsOf(settlements: readonly Settlement[]): readonly SettlementUnit[] {
  const units: SettlementUnit[] = [];
  const bySegment = new Map<ClaimedSegment, SettlementUnit>();
  for (const settlement of settlements) {
    const { segment } = settlement.item;
    if (segment === undefined || segment.isSplit) {
      units.push({ parts: [settlement] });
      continue;
    }
    const unit = bySegment.get(segment);
    if (unit) unit.parts.push(settlement);
    else {
      const unit = { segment, parts: [settlement] };
      bySegment.set(segment, unit);
      units.push(unit);
    }
  }
  return units;
}

/** Splits settlements into calls: each for one partition, and either settling or releasing. */
export function chunksOf(settlements: readonly Settlement[]): readonly (readonly Settlement[])[] {
  const open = new Map<number, { readonly settlements: Settlement[]; records: number }>();
  const chunks: Settlement[][] = [];
  for (const { parts } of unitsOf(settlements)) {
    const { item: { partition }, records } = parts[0]!;
    const kind = partition * 2 + (records.length > 0 ? 1 : 0);
    const count = parts.reduce((sum, { records }) => sum + Math.max(1, records.length), 0);
    let chunk = open.get(kind);
    if (!chunk || chunk.records + count > MAX_RECORDS) {
      open.set(kind, chunk = { settlements: [], records: 0 });
      chunks.push(chunk.settlements);
    }
    chunk.settlements.push(...parts);
    chunk.records += count;
  }
  return chunks;
}

/** Returns the ledger keys and the arguments of `buffer_settle` for settlements of a partition. */
export function settleArguments(settlements: readonly Settlement[]): {
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
} {
  const { partition } = settlements[0]!.item;
  const keys: string[] = [];
  const args: (string | number)[] = [];
  const numberOf = (id: string) => {
    const key = redisLedgerKey(partition, id);
    return keys.indexOf(key) + 1 || keys.push(key);
  };
  for (const { segment, parts } of unitsOf(settlements)) {
    if (segment && parts.length === segment.size) {
      let claim = segment.name;
      for (const { id, isOwn, lines } of fieldsOf(parts)) {
        args.push(claim, isOwn ? -numberOf(id) : numberOf(id), lines);
        claim = "";
      }
      continue;
    }
    if (segment) segment.isSplit = true;
    for (const { item, records } of parts) {
      for (const record of records) {
        const line = encodeItem(record);
        const number = record.state === "in_flight" ? -numberOf(record.id) : numberOf(record.id);
        args.push(record.id === item.id ? item.id : "", number, line);
      }
    }
  }
  return { keys, args: [...splitsOf(settlements).flatMap((name) => [name, "", ""]), ...args] };
}

/** Returns the arguments of `buffer_release`, after the node, for releases of a partition. */
export function releaseArguments(
  releases: readonly Settlement[],
  now: number,
): readonly (string | number)[] {
  return [
    ...splitsOf(releases).flatMap((name) => [name, ""]),
    ...releases.flatMap(({ item, pauseMs }) => [item.id, Math.round(now + pauseMs)]),
  ];
}

/** Returns the names of the segments that must be split first. */
function splitsOf(settlements: readonly Settlement[]): readonly string[] {
  const names = settlements.flatMap(({ item: { segment } }) =>
    segment?.isSplit ? segment.name : []
  );
  return [...new Set(names)];
}

/** The lines of one field of the ledger. */
interface FieldLines {
  readonly id: string;
  /** Whether it is a field of the id. */
  readonly isOwn: boolean;
  lines: string;
}

/** Joins the records of a segment that share a field. */
function fieldsOf(parts: readonly Settlement[]): Iterable<FieldLines> {
  const fields = new Map<string, FieldLines>();
  for (const { item: { id }, records } of parts) {
    const [record] = records as [LedgerRecord];
    const line = encodeItem(record);
    const [own, shared] = ledgerFieldsOf(id);
    const field = fields.get(shared);
    const isOwn = record.state === "in_flight" ||
      (field !== undefined && field.lines.length >= LONG_FIELD);
    if (field && !isOwn) field.lines += `\n${line}`;
    else fields.set(isOwn ? own : shared, { id, isOwn, lines: line });
  }
  return fields.values();
}
