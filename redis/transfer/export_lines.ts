/**
 * The lines of an export: one JSON value each. The first says what the file is, the last how many
 * keys came before it, so that a file that was broken off is known. Independent of the server's own
 * dump format, so that any version of Redis or Valkey takes it. Pure.
 */

/** One key with all that it holds. */
export interface ExportedKey {
  readonly key: string;
  readonly type: "string" | "hash" | "zset" | "set" | "list" | "stream";
  /** Epoch milliseconds; absent where it never ends. */
  readonly expiresAt?: number;
  /** As the server lists it: fields and values, members and scores, ids and fields as JSON. */
  readonly content: readonly string[];
  /** Of a stream: the last id that it gave. */
  readonly last?: string;
}

/** A line of an export. */
type ExportLine =
  | { readonly kind: "head" }
  | { readonly kind: "key"; readonly key: ExportedKey }
  | { readonly kind: "end"; readonly keys: number };

/** Returns the first line; `at` is the time of the server in epoch milliseconds. */
export function exportHead(at: number): string {
  return JSON.stringify({ carillon: "redis-export", v: 1, at });
}

/** Returns the last line. */
export function exportEnd(keys: number): string {
  return JSON.stringify({ end: true, keys });
}

const TYPES = new Set(["string", "hash", "zset", "set", "list", "stream"]);

/**
 * Reads one line.
 *
 * @throws {SyntaxError} where it is none
 */
export function readExportLine(line: string): ExportLine {
  const value = JSON.parse(line);
  if (value?.carillon === "redis-export") {
    if (value.v !== 1) throw new SyntaxError("it was written by a later version of this service");
    return { kind: "head" };
  }
  if (value?.end === true && Number.isSafeInteger(value.keys)) {
    return { kind: "end", keys: value.keys };
  }
  const { key, type, content } = value ?? {};
  const isKey = typeof key === "string" && key.startsWith("carillon:{") && TYPES.has(type) &&
    Array.isArray(content) && content.every((each) => typeof each === "string");
  if (!isKey) throw new SyntaxError("it is no line of an export");
  return { kind: "key", key: value };
}
