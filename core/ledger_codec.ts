/**
 * Ledger records as stores keep them: JSON lists instead of objects, because names would be more
 * than half of what is stored, and without the id, which says where a record is.
 */

import { quote } from "./json.ts";
import type { LedgerRecord, NotificationState, TargetRecord } from "./ledger.ts";

type Extras<T, K extends keyof T> = { readonly [P in K]?: Exclude<T[P], undefined> };
type TargetExtras = Extras<TargetRecord, "subscription" | "reason" | "providerId" | "attempts">;
type RecordExtras = Extras<LedgerRecord, "reason" | "mergedInto">;

type StoredTarget = readonly [
  client: string,
  transport: TargetRecord["transport"],
  state: TargetRecord["state"],
  at: number,
  extras?: TargetExtras,
];

type StoredRecord = readonly [
  context: string,
  user: string,
  topic: string,
  acceptedAt: number,
  state: NotificationState,
  targets: readonly StoredTarget[],
  extras?: RecordExtras,
];

/** A record without its id. */
export function encodeRecord(record: LedgerRecord): string {
  const { context, user, topic, acceptedAt, state, targets, reason, mergedInto } = record;
  let text = `[${quote(context)},${quote(user)},${quote(topic)},${acceptedAt},"${state}",[`;
  for (let at = 0; at < targets.length; at++) {
    text += at === 0 ? encodeTarget(targets[at]!) : `,${encodeTarget(targets[at]!)}`;
  }
  if (reason === undefined && mergedInto === undefined) return `${text}]]`;
  const extras: RecordExtras = {
    ...(reason !== undefined && { reason }),
    ...(mergedInto !== undefined && { mergedInto }),
  };
  return `${text}],${JSON.stringify(extras)}]`;
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

function encodeTarget(target: TargetRecord): string {
  const { client, transport, state, at, subscription, reason, providerId, attempts } = target;
  const text = `[${quote(client)},"${transport}","${state}",${at}`;
  if (
    subscription === undefined && reason === undefined && providerId === undefined &&
    attempts === undefined
  ) return `${text}]`;
  const extras: TargetExtras = {
    ...(subscription !== undefined && { subscription }),
    ...(reason !== undefined && { reason }),
    ...(providerId !== undefined && { providerId }),
    ...(attempts !== undefined && { attempts }),
  };
  return `${text},${JSON.stringify(extras)}]`;
}
