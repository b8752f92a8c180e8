/**
 * Notifications and ledger records as the log keeps them: texts that begin with their id, many of
 * them in one value of UTF-8. A notification is a line that says what is known of it and a line with
 * its data as they were published; a record is one line. Pure.
 */

import { type JsonText, quote } from "../core/json.ts";
import { decodeRecord, encodeFields } from "../core/ledger_codec.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";

/** A stored notification or record, without the line break at its end. */
export type ItemText = string;

/** Some items in one stored value, in the order of their ids. */
export interface PackedItems {
  readonly items: readonly ItemText[];
  readonly bytes: Uint8Array;
}

type Head = readonly [
  id: string,
  context: string,
  user: string,
  topic: string,
  acceptedAt: number,
  extras?: Partial<
    Pick<Notification, "priority" | "expiresAt" | "sourceToken" | "collapseKey" | "options">
  >,
];

/** What an earlier version stored begins so: a JSON array of objects. */
const OLD = "[{";
/** In a record, and within no text of it, whose quotes would have backslashes before them. */
const OPEN = ',"in_flight",[';
/** Bytes of a UTF-16 unit in UTF-8, at most. */
const MAX_UNIT_BYTES = 3;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The id that a text begins with. */
export function itemId(item: ItemText): string {
  return item.slice(2, item.indexOf('"', 2));
}

/** Whether a record says that something is still under way, and so will be amended. */
export function isOpen(item: ItemText): boolean {
  return item.includes(OPEN);
}

/** Ids have no characters that JSON would write otherwise. */
export function encodeNotification(notification: Notification): ItemText {
  const { id, context, user, topic, data, priority, acceptedAt } = notification;
  const { expiresAt, sourceToken, collapseKey, options } = notification;
  const known = `["${id}",${quote(context)},${quote(user)},${quote(topic)},${acceptedAt}`;
  if (
    priority === "high" && expiresAt === undefined && sourceToken === undefined &&
    collapseKey === undefined && options === undefined
  ) return `${known}]\n${data}`;
  const extras = { priority, expiresAt, sourceToken, collapseKey, options };
  return `${known},${JSON.stringify(extras)}]\n${data}`;
}

/** See {@link decodeItem}. */
export function encodeItem(record: LedgerRecord): ItemText {
  return `["${record.id}",${encodeFields(record)}`;
}

/** A record. */
export function decodeItem(item: ItemText): LedgerRecord {
  const id = itemId(item);
  return decodeRecord(id, `[${item.slice(id.length + 4)}`);
}

/** Bytes that items take, at most; exactly where the quick answer is above `limit`. */
export function sizeOf(items: readonly ItemText[], limit = Infinity): number {
  let units = 0;
  for (const item of items) units += item.length + 1;
  if (units * MAX_UNIT_BYTES <= limit) return units * MAX_UNIT_BYTES;
  return items.reduce((sum, item) => sum + encoder.encode(item).length + 1, 0);
}

/** Items in as few values as hold so many bytes each. One that is too large has one of its own. */
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

/** The notifications of a value. */
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

/** The records of a value, still encoded. */
export function unpackRecords(stored: string | Uint8Array): readonly ItemText[] {
  const text = textOf(stored);
  if (!text.startsWith(OLD)) return text.split("\n");
  return (JSON.parse(text) as readonly LedgerRecord[]).map(encodeItem);
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
