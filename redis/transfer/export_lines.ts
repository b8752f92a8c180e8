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

/** The first line. */
export interface ExportHead {
  readonly carillon: "redis-export";
  readonly v: 1;
  /** Epoch milliseconds of the server. */
  readonly at: number;
}

/** The last line. */
export interface ExportEnd {
  readonly end: true;
  readonly keys: number;
}

/** A line of an export, or what is wrong with it. */
type ExportLine =
  | { readonly kind: "head"; readonly head: ExportHead }
  | { readonly kind: "key"; readonly key: ExportedKey }
  | { readonly kind: "end"; readonly keys: number };

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
    return { kind: "head", head: value };
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
