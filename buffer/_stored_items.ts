/**
 * The stored form of notifications and ledger records: texts that begin with their id, many of them
 * in one value of UTF-8. A notification is a line with its fields and a line with its data as they
 * were published; a record is one line. Pure.
 */

import { type JsonText, quote } from "../core/json.ts";
import { decodeRecord, encodeFields } from "../core/ledger_codec.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";

/** A stored notification or record, without the line break at its end. */
export type ItemText = string;

/** One stored value and its items, in the order of their ids. */
export interface PackedItems {
  readonly items: readonly ItemText[];
  readonly bytes: Uint8Array;
}

type Extra = "priority" | "expiresAt" | "sourceToken" | "collapseKey" | "options" | "traceparent";
type Extras = { readonly [name in Extra]?: Notification[name] | undefined };

type Head = readonly [
  id: string,
  context: string,
  user: string,
  topic: string,
  acceptedAt: number,
  extras?: Partial<Pick<Notification, Extra>>,
];

/** How values of an earlier version begin: a JSON array of objects. */
const OLD = "[{";
/** Part of an open record. No text in a record has it: quotes there follow a backslash. */
const OPEN = ',"in_flight",[';
/** The most bytes that one UTF-16 unit takes in UTF-8. */
const MAX_UNIT_BYTES = 3;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Returns the id that an item begins with. */
export function itemId(item: ItemText): string {
  return item.slice(2, item.indexOf('"', 2));
}

/** Returns whether a record is of a notification still in flight, and so will be amended. */
export function isOpen(item: ItemText): boolean {
  return item.includes(OPEN);
}

/** Returns the stored form of a notification. JSON need not escape any character of an id. */
export function encodeNotification(notification: Notification): ItemText {
  const { id, context, user, topic, data, priority, acceptedAt } = notification;
  const { expiresAt, sourceToken, collapseKey, options, traceparent } = notification;
  const fields = `["${id}",${quote(context)},${quote(user)},${quote(topic)},${acceptedAt}`;
  if (
    priority === "high" && expiresAt === undefined && sourceToken === undefined &&
    collapseKey === undefined && options === undefined && traceparent === undefined
  ) return `${fields}]\n${data}`;
  const extras = { priority, expiresAt, sourceToken, collapseKey, options, traceparent };
  return `${fields},${encodeExtras(extras)}]\n${data}`;
}

/** Returns the stored form of a record. */
export function encodeItem(record: LedgerRecord): ItemText {
  return `["${record.id}",${encodeFields(record)}`;
}

/** Returns the record of a stored form. */
export function decodeItem(item: ItemText): LedgerRecord {
  const id = itemId(item);
  return decodeRecord(id, `[${item.slice(id.length + 4)}`);
}

/** Returns an upper bound of the bytes of items; their exact number where that is above `limit`. */
export function sizeOf(items: readonly ItemText[], limit = Infinity): number {
  let units = 0;
  for (const item of items) units += item.length + 1;
  if (units * MAX_UNIT_BYTES <= limit) return units * MAX_UNIT_BYTES;
  return encoder.encode(items.join("\n")).length + 1;
}

/** Packs items into few values of at most so many bytes. A larger item has a value of its own. */
export function packItems(items: readonly ItemText[], maxBytes: number): readonly PackedItems[] {
  const packed: PackedItems[] = [];
  let from = 0;
  while (from < items.length) {
    let to = from;
    let units = 0;
    while (to < items.length && (units += items[to]!.length + 1) <= maxBytes) to++;
    to = Math.max(to, from + 1);
    packInto(packed, items.slice(from, to), maxBytes);
    from = to;
  }
  return packed;
}

/** Returns the notifications of a stored value. */
export function unpackNotifications(stored: string | Uint8Array): readonly Notification[] {
  const text = textOf(stored);
  if (text.startsWith(OLD)) {
    const old: readonly Notification[] = JSON.parse(text);
    return old.map((each) => ({ ...each, data: JSON.stringify(each.data) }));
  }
  const lines = text.split("\n");
  const heads: readonly Head[] = JSON.parse(`[${lines.filter((_, at) => at % 2 === 0).join()}]`);
  return heads.map((head, at) => notificationOf(head, lines[2 * at + 1]!));
}

/** Returns the records of a stored value in stored form. */
export function unpackRecords(stored: string | Uint8Array): readonly ItemText[] {
  const text = textOf(stored);
  if (!text.startsWith(OLD)) return text.split("\n");
  return (JSON.parse(text) as readonly LedgerRecord[]).map(encodeItem);
}

/** A cache of one: those of a notification to many users follow each other and are the same. */
let lastExtras: { readonly extras: Extras; readonly text: string } = { extras: {}, text: "{}" };

function encodeExtras(extras: Extras): string {
  const { extras: last } = lastExtras;
  const isSame = last.options === extras.options && last.priority === extras.priority &&
    last.expiresAt === extras.expiresAt && last.sourceToken === extras.sourceToken &&
    last.collapseKey === extras.collapseKey && last.traceparent === extras.traceparent;
  if (!isSame) lastExtras = { extras, text: JSON.stringify(extras) };
  return lastExtras.text;
}

function packInto(packed: PackedItems[], items: readonly ItemText[], maxBytes: number): void {
  const bytes = encoder.encode(items.join("\n"));
  if (bytes.length <= maxBytes || items.length === 1) return void packed.push({ items, bytes });
  // Beyond ASCII a character takes up to three bytes.
  const half = Math.ceil(items.length / 2);
  packInto(packed, items.slice(0, half), maxBytes);
  packInto(packed, items.slice(half), maxBytes);
}

function notificationOf(head: Head, data: JsonText): Notification {
  const [id, context, user, topic, acceptedAt, extras] = head;
  const notification = { id, context, user, topic, data, priority: "high", acceptedAt } as const;
  return extras === undefined ? notification : { ...notification, ...extras };
}

function textOf(stored: string | Uint8Array): string {
  return typeof stored === "string" ? stored : decoder.decode(stored);
}
