/**
 * Notifications and ledger records as Redis keeps them: JSON lists instead of objects, because
 * names would be more than half of what is stored, and without what their place says already.
 */

import { createHash } from "node:crypto";
import { aggregationKey } from "../../buffer/mod.ts";
import type { LedgerRecord, NotificationState, TargetRecord } from "../../core/ledger.ts";
import type { Notification } from "../../core/notification.ts";

/** Longer aggregation keys are stored as a hash. */
const MAX_KEY_LENGTH = 96;

type Extras<T, K extends keyof T> = { readonly [P in K]?: Exclude<T[P], undefined> };

type NotificationExtras =
  & Extras<Notification, "expiresAt" | "sourceToken" | "collapseKey">
  & { readonly context?: string };
type StoredNotification = readonly [
  user: string,
  topic: string,
  data: Notification["data"],
  priority: Notification["priority"],
  acceptedAt: number,
  extras?: NotificationExtras,
];

type TargetExtras = Extras<TargetRecord, "subscription" | "reason" | "providerId" | "attempts">;
type StoredTarget = readonly [
  client: string,
  transport: TargetRecord["transport"],
  state: TargetRecord["state"],
  at: number,
  extras?: TargetExtras,
];

type RecordExtras = Extras<LedgerRecord, "reason" | "mergedInto">;
type StoredRecord = readonly [
  context: string,
  user: string,
  topic: string,
  acceptedAt: number,
  state: NotificationState,
  targets: readonly StoredTarget[],
  extras?: RecordExtras,
];

/**
 * The body of a notification: its aggregation key, a line feed, and the rest as JSON. One that does
 * not wait needs no more of the key than the context that every key begins with.
 */
export function encodeNotification(
  notification: Notification,
  { waits }: { readonly waits: boolean },
): string {
  const { context, user, topic, data, priority, acceptedAt } = notification;
  const { expiresAt, sourceToken, collapseKey } = notification;
  const exact = context.isWellFormed();
  const stored: StoredNotification =
    expiresAt === undefined && sourceToken === undefined && collapseKey === undefined && exact
      ? [user, topic, data, priority, acceptedAt]
      : [user, topic, data, priority, acceptedAt, {
        ...(expiresAt !== undefined && { expiresAt }),
        ...(sourceToken !== undefined && { sourceToken }),
        ...(collapseKey !== undefined && { collapseKey }),
        ...(!exact && { context }),
      }];
  const key = waits ? storedKey(notification) : `${context}\u0000`;
  return `${key}\n${JSON.stringify(stored)}`;
}

/** The notification with this id and body. */
export function decodeNotification(id: string, body: string): Notification {
  const [user, topic, data, priority, acceptedAt, extras]: StoredNotification = JSON.parse(
    body.slice(body.indexOf("\n") + 1),
  );
  const context = body.slice(0, body.indexOf("\u0000"));
  return { id, context, user, topic, data, priority, acceptedAt, ...extras };
}

/** A record without its id, which is where it is found. */
export function encodeRecord(record: LedgerRecord): string {
  const { context, user, topic, acceptedAt, state, targets, reason, mergedInto } = record;
  const stored: StoredRecord[number][] = [context, user, topic, acceptedAt, state];
  stored.push(targets.map(storedTarget));
  if (reason !== undefined || mergedInto !== undefined) {
    const extras: RecordExtras = {
      ...(reason !== undefined && { reason }),
      ...(mergedInto !== undefined && { mergedInto }),
    };
    stored.push(extras);
  }
  return JSON.stringify(stored);
}

/** The record of this id. */
export function decodeRecord(id: string, text: string): LedgerRecord {
  const [context, user, topic, acceptedAt, state, targets, extras]: StoredRecord = JSON.parse(text);
  return {
    ...{ id, context, user, topic, acceptedAt, state, ...extras },
    targets: targets.map(([client, transport, state, at, extras]) => ({
      ...{ client, transport, state, at, ...extras },
    })),
  };
}

function storedTarget(target: TargetRecord): StoredTarget {
  const { client, transport, state, at, subscription, reason, providerId, attempts } = target;
  if (
    subscription === undefined && reason === undefined && providerId === undefined &&
    attempts === undefined
  ) return [client, transport, state, at];
  return [client, transport, state, at, {
    ...(subscription !== undefined && { subscription }),
    ...(reason !== undefined && { reason }),
    ...(providerId !== undefined && { providerId }),
    ...(attempts !== undefined && { attempts }),
  }];
}

/**
 * The aggregation key, which begins with the context and a NUL; a long one, or one that would not
 * be itself any more as UTF-8, by its hash.
 */
function storedKey(notification: Notification): string {
  const key = aggregationKey(notification);
  if (key.length <= MAX_KEY_LENGTH && !key.includes("\n") && key.isWellFormed()) return key;
  const hash = createHash("sha256").update(key, "utf16le").digest("base64url");
  return `${notification.context}\u0000#${hash}`;
}
