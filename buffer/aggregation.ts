/**
 * Decides which waiting notifications are similar, and merges them. Notifications with different
 * source tokens are never similar, because each goes to a different set of sockets. Pure.
 */

import { canonicalJson, type Json, type JsonObject, type JsonText } from "../core/json.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import { DELAY_FACTOR, type Notification, parseData, userKey } from "../core/notification.ts";

/** How the notifications of one topic are compared and merged. */
interface Similarity {
  /** Equal parts mean similar; `undefined` where the data do not have the topic's known shape. */
  part(data: JsonObject): string | undefined;
  /** Returns the merged data; absent: the newer data replace the older. */
  merge?(older: JsonObject, newer: JsonObject): JsonObject;
}

const BY_TOPIC: ReadonlyMap<string, Similarity> = new Map<string, Similarity>([
  ["ox:mail:new", {
    part: ({ folder, id }) =>
      isScalar(folder) && isScalar(id) ? canonicalJson([folder, id]) : undefined,
  }],
  ["ox:calendar:updates", {
    part: ({ folders = [], needsAction = [] }) =>
      Array.isArray(folders) && Array.isArray(needsAction) ? "" : undefined,
    merge: (older, newer) => ({
      ...older,
      ...newer,
      ...union("folders", older, newer),
      ...union("needsAction", older, newer),
    }),
  }],
]);

/** Returns the key of a notification; waiting notifications with equal keys are merged into one. */
export function aggregationKey(notification: Notification): string {
  const { context, user, topic, sourceToken = "", collapseKey, options } = notification;
  const scope = `${userKey(context, user)}\u0000${topic}\u0000${sourceToken}\u0000`;
  // A dismissal is no newer version of anything.
  if (options?.dismiss) return `${scope}d${options.dismiss.id}`;
  // Counted one by one, so never merged with others.
  if (options?.fanout !== undefined) return `${scope}f${options.fanout}`;
  if (collapseKey !== undefined) return `${scope}c${collapseKey}`;
  const data = parseData(notification);
  const part = BY_TOPIC.get(topic)?.part(data);
  return part === undefined ? `${scope}e${canonicalJson(data)}` : `${scope}t${part}`;
}

/**
 * Merges two similar notifications into one: with the id of the newer, the more urgent priority,
 * the later expiry, and data as the topic defines.
 */
export function merge(older: Notification, newer: Notification): Notification {
  const { expiresAt: _, ...rest } = newer;
  const urgent = DELAY_FACTOR[older.priority] < DELAY_FACTOR[newer.priority] ? older : newer;
  return {
    ...rest,
    data: mergedData(older, newer),
    priority: urgent.priority,
    ...(older.expiresAt !== undefined && newer.expiresAt !== undefined &&
      { expiresAt: Math.max(older.expiresAt, newer.expiresAt) }),
  };
}

function mergedData(older: Notification, newer: Notification): JsonText {
  const similarity = newer.collapseKey === undefined ? BY_TOPIC.get(newer.topic) : undefined;
  if (!similarity?.merge) return newer.data;
  const data = parseData(newer);
  if (similarity.part(data) === undefined) return newer.data;
  return JSON.stringify(similarity.merge(parseData(older), data));
}

/** Returns the records of notifications that were merged into the one with this record. */
export function mergedRecords(
  merged: readonly Notification[],
  record: LedgerRecord,
): readonly LedgerRecord[] {
  return merged.map(({ id, acceptedAt }) => ({
    ...record,
    id,
    acceptedAt,
    state: "suppressed",
    reason: "merged",
    mergedInto: record.id,
    targets: [],
  }));
}

function union(field: string, older: JsonObject, newer: JsonObject): JsonObject {
  if (!(field in older) && !(field in newer)) return {};
  const seen = new Map<string, Json>();
  for (const { [field]: list } of [older, newer]) {
    for (const item of list as readonly Json[] ?? []) seen.set(canonicalJson(item), item);
  }
  return { [field]: [...seen.values()] };
}

function isScalar(value: Json | undefined): value is string | number {
  return typeof value === "string" || typeof value === "number";
}
