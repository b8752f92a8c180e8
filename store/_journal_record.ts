/**
 * The stored form of a commit in the journal: a line of JSON with its keys and values, and behind it
 * the bytes of those values as they are. That takes a third of the time of V8's own format, which
 * copies bytes several times. A value that JSON would change makes the whole record one of V8's, and
 * so is every record of an earlier version.
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

/** Where a value has bytes, which are `null` in the line of JSON, and how many. */
type BytesPlace = readonly [path: readonly (string | number)[], length: number];

/** A set in the line of JSON. */
type StoredSet = readonly [
  key: StoreKey,
  value: unknown,
  places: readonly BytesPlace[],
  expiresAt?: number,
];

type StoredRecord = readonly [sets: readonly StoredSet[], deletes: readonly StoreKey[]];

/** The first byte of this form. V8's begins with 255. */
const FORM = 1;
/** The form, and the length of the line of JSON. */
const HEAD_BYTES = 5;
/** Stands for a value that JSON would change. */
const NOT_PLAIN = Symbol("not plain");

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Returns the stored form of a record, after `offset` bytes that are left for the caller, and the
 * record with values that are its own: deep copies, whose bytes are views of that form.
 */
export function encodeJournalRecord(
  record: JournalRecord,
  offset: number,
): { readonly bytes: Uint8Array; readonly own: JournalRecord } {
  const { sets, deletes } = record;
  const given: Uint8Array[] = [];
  const heads = sets.map(({ key, value, expiresAt }): StoredSet => {
    const places: BytesPlace[] = [];
    const copy = plainCopy(value, [], (path, bytes) => {
      given.push(bytes);
      places.push([path, bytes.length]);
    });
    return expiresAt === undefined ? [key, copy, places] : [key, copy, places, expiresAt];
  });
  const isPlain = deletes.every(isPlainKey) &&
    heads.every(([key, value]) => isPlainKey(key) && value !== NOT_PLAIN);
  if (!isPlain) {
    const payload = serialize(record);
    const bytes = new Uint8Array(offset + payload.length);
    bytes.set(payload, offset);
    return { bytes, own: deserialize(payload) };
  }
  const line = encoder.encode(JSON.stringify([heads, deletes] satisfies StoredRecord));
  const start = offset + HEAD_BYTES + line.length;
  const bytes = new Uint8Array(given.reduce((size, { length }) => size + length, start));
  bytes[offset] = FORM;
  new DataView(bytes.buffer).setUint32(offset + 1, line.length);
  bytes.set(line, offset + HEAD_BYTES);
  let at = start;
  for (const each of given) {
    bytes.set(each, at);
    at += each.length;
  }
  return { bytes, own: recordOf([heads, deletes], bytes.subarray(start)) };
}

/** Returns the record of a stored form; its bytes may be views of that form. */
export function decodeJournalRecord(bytes: Uint8Array): JournalRecord {
  if (bytes[0] !== FORM) return deserialize(bytes);
  const start = HEAD_BYTES + new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  const line = decoder.decode(bytes.subarray(HEAD_BYTES, start));
  return recordOf(JSON.parse(line), bytes.subarray(start));
}

/** Puts the bytes into the places that values have for them. */
function recordOf([heads, deletes]: StoredRecord, bytes: Uint8Array): JournalRecord {
  let at = 0;
  const sets = heads.map(([key, plain, places, expiresAt]) => {
    let value = plain;
    for (const [path, length] of places) {
      value = withBytes(value, path, bytes.subarray(at, at += length));
    }
    return expiresAt === undefined ? { key, value } : { key, value, expiresAt };
  });
  return { sets, deletes };
}

function withBytes(
  value: unknown,
  [key, ...rest]: readonly (string | number)[],
  bytes: Uint8Array,
): unknown {
  if (key === undefined) return bytes;
  const inner = (value as Record<string | number, unknown>)[key];
  // Not an assignment, which a field with the name `__proto__` would not be.
  Object.defineProperty(value, key, { value: withBytes(inner, rest, bytes) });
  return value;
}

function isPlainKey(key: StoreKey): boolean {
  return key.every((part) => typeof part === "string" || isPlainNumber(part));
}

function isPlainNumber(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

/**
 * Returns a deep copy with `null` for bytes, which `onBytes` is called with in the order of their
 * places; `NOT_PLAIN` where JSON would change the value.
 */
function plainCopy(
  value: unknown,
  path: readonly (string | number)[],
  onBytes: (path: readonly (string | number)[], bytes: Uint8Array) => void,
): unknown {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  if (typeof value === "number") return isPlainNumber(value) ? value : NOT_PLAIN;
  if (typeof value !== "object") return NOT_PLAIN;
  if (value instanceof Uint8Array) {
    onBytes(path, value);
    return null;
  }
  const isArray = Array.isArray(value);
  const isPlain = isArray || Object.getPrototypeOf(value) === Object.prototype;
  if (!isPlain || "toJSON" in value) return NOT_PLAIN;
  const entries = Object.entries(value).map(([key, each]) =>
    [key, plainCopy(each, [...path, key], onBytes)] as const
  );
  if (entries.some(([, copy]) => copy === NOT_PLAIN)) return NOT_PLAIN;
  if (!isArray) return Object.fromEntries(entries);
  const copy = entries.map(([, each]) => each);
  // An array with holes, or with fields of its own, has others.
  return entries.every(([key], at) => key === String(at)) && copy.length === value.length
    ? copy
    : NOT_PLAIN;
}
