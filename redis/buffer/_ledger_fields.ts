/**
 * The fields of a ledger key. Final records whose ids were made within the same 16 ms share a field,
 * each a line that begins with its id, because a field costs Redis more than a record. A record that
 * will be amended, one that an earlier version wrote, and one whose shared field is long has its id
 * as field.
 */

import { decodeItem, encodeItem, itemId } from "../../buffer/mod.ts";
import { ID_LENGTH } from "../../core/ids.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import { decodeRecord, encodeRecord } from "../../core/ledger_codec.ts";
import type { Reply } from "../link.ts";

/** The digits of an id that are its time in units of 16 ms. */
export const SHARED_FIELD_LENGTH = 12;
/** A shared field of this length takes no more lines: an amendment writes the whole field. */
export const LONG_FIELD = 8_192;

/** A record as it is stored: a line of a field. */
export interface StoredRecord {
  readonly field: string;
  readonly line: string;
  readonly record: LedgerRecord;
}

/** Returns the two fields that can have the record of an id. */
export function ledgerFieldsOf(id: string): readonly [own: string, shared: string] {
  return [id, id.slice(0, SHARED_FIELD_LENGTH)];
}

/** Returns the record of an id, given what its two fields hold. */
export function findRecord(id: string, [own, shared]: readonly Reply[]): StoredRecord | undefined {
  if (typeof own === "string") return { field: id, line: own, record: decodeRecord(id, own) };
  if (typeof shared !== "string") return undefined;
  const line = shared.split("\n").findLast((each) => itemId(each) === id);
  return line === undefined
    ? undefined
    : { field: ledgerFieldsOf(id)[1], line, record: decodeItem(line) };
}

/** Returns the line that replaces the one of a stored record. */
export function lineOf({ field }: StoredRecord, record: LedgerRecord): string {
  return field.length === ID_LENGTH ? encodeRecord(record) : encodeItem(record);
}

/** Returns the records of a field. */
export function recordsOf(field: string, text: string): readonly LedgerRecord[] {
  return field.length === ID_LENGTH
    ? [decodeRecord(field, text)]
    : text.split("\n").map(decodeItem);
}
