/**
 * The stored form of a commit in the journal: a line of JSON with its keys and its small values, and
 * behind it the bytes of the large ones as they are. That takes a third of the time of V8's own
 * format, which copies bytes several times. A value that JSON would change makes the whole record
 * one of V8's, and so is every record of an earlier version.
 */

import { deserialize, serialize } from "node:v8";
import type { StoreKey } from "../core/store.ts";

/** One commit in the journal. */
export interface JournalRecord {
  readonly sets: readonly JournalSet[];
  readonly deletes: readonly StoreKey[];
}

/** A record that a commit sets; `expiresAt` in epoch milliseconds. */
interface JournalSet {
  readonly key: StoreKey;
  readonly value: unknown;
  readonly expiresAt?: number;
}

/** A set in the line of JSON. */
type StoredSet = readonly [
  key: StoreKey,
  expiresAt: number | null,
  /** Absent where the value follows. */
  bytes: number | null,
  value?: unknown,
];

type StoredRecord = readonly [sets: readonly StoredSet[], deletes: readonly StoreKey[]];

/** The first byte of this form. V8's begins with 255. */
const FORM = 1;
/** The form, and the length of the line of JSON. */
const HEAD_BYTES = 5;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Returns the stored form of a record, after `offset` bytes that are left for the caller, and the
 * record with values that are its own: deep copies, and views of that form.
 */
export function encodeJournalRecord(
  record: JournalRecord,
  offset: number,
): { readonly bytes: Uint8Array; readonly own: JournalRecord } {
  const { sets, deletes } = record;
  const isPlain = deletes.every(isPlainKey) &&
    sets.every(({ key, value }) =>
      isPlainKey(key) && (value instanceof Uint8Array || isJson(value))
    );
  if (!isPlain) {
    const payload = serialize(record);
    const bytes = new Uint8Array(offset + payload.length);
    bytes.set(payload, offset);
    return { bytes, own: ownValues(deserialize(payload)) };
  }
  let size = 0;
  const heads = sets.map(({ key, value, expiresAt = null }): StoredSet => {
    if (!(value instanceof Uint8Array)) return [key, expiresAt, null, value];
    size += value.length;
    return [key, expiresAt, value.length];
  });
  const line = encoder.encode(JSON.stringify([heads, deletes] satisfies StoredRecord));
  const bytes = new Uint8Array(offset + HEAD_BYTES + line.length + size);
  bytes[offset] = FORM;
  new DataView(bytes.buffer).setUint32(offset + 1, line.length);
  bytes.set(line, offset + HEAD_BYTES);
  let at = offset + HEAD_BYTES + line.length;
  const own = sets.map((set) => {
    const { value } = set;
    if (!(value instanceof Uint8Array)) return { ...set, value: copyOf(value) };
    bytes.set(value, at);
    return { ...set, value: bytes.subarray(at, at += value.length) };
  });
  return { bytes, own: { sets: own, deletes } };
}

/** Returns the record of a stored form; its bytes are views of that form. */
export function decodeJournalRecord(bytes: Uint8Array): JournalRecord {
  // What V8 reads are views of all bytes of the journal, and would be stored as such.
  if (bytes[0] !== FORM) return ownValues(deserialize(bytes));
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  let at = HEAD_BYTES + length;
  const line = decoder.decode(bytes.subarray(HEAD_BYTES, at));
  const [heads, deletes]: StoredRecord = JSON.parse(line);
  const sets = heads.map(([key, expiresAt, size, value]) => ({
    key,
    value: size === null ? value : bytes.subarray(at, at += size),
    ...(expiresAt !== null && { expiresAt }),
  }));
  return { sets, deletes };
}

function isPlainKey(key: StoreKey): boolean {
  return key.every((part) => typeof part === "string" || isPlainNumber(part));
}

function isPlainNumber(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

/** Whether a value is the same after it was written as JSON and read again. */
function isJson(value: unknown): boolean {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return true;
  if (typeof value === "number") return isPlainNumber(value);
  if (Array.isArray(value)) {
    return value.every(isJson) && Object.keys(value).length === value.length;
  }
  if (typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const key in value) if (!isJson((value as Record<string, unknown>)[key])) return false;
  return !("toJSON" in value);
}

function ownValues({ sets, deletes }: JournalRecord): JournalRecord {
  return { sets: sets.map((set) => ({ ...set, value: copyOf(set.value) })), deletes };
}

/** Returns a deep copy of plain data, with bytes in buffers of their own; of others, themselves. */
function copyOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(copyOf);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copyOf(each)]));
}
