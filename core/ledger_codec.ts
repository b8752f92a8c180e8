/**
 * Encodes ledger records for the store: as JSON lists, because the field names of objects would take
 * more than half of the space, and without the id, which is part of the key.
 */

import { quote } from "./json.ts";
import type { LedgerRecord, NotificationState, TargetRecord } from "./ledger.ts";

type TargetExtras = Pick<
  TargetRecord,
  "subscription" | "reason" | "providerId" | "attempts" | "until" | "earlier" | "sockets"
>;
type RecordExtras = Pick<
  LedgerRecord,
  "reason" | "mergedInto" | "collapseKey" | "fanout" | "receipts"
>;

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

/** Encodes a record without its id. */
export function encodeRecord(record: LedgerRecord): string {
  return `[${encodeFields(record)}`;
}

/** Encodes a record as {@link encodeRecord} does, without the opening bracket. */
export function encodeFields(record: LedgerRecord): string {
  const { context, user } = record;
  return `${quote(context)},${quote(user)},${tailOf(record)}`;
}

/** Encodes the fields after the user. */
function tailOf(record: LedgerRecord): string {
  const { last, tail } = lastTail;
  if (last && isAlike(last, record)) return tail;
  lastTail = { last: record, tail: encodeTail(record) };
  return lastTail.tail;
}

/** A cache of one: records that are created together mostly differ in their user only. */
let lastTail: { readonly last: LedgerRecord | undefined; readonly tail: string } = {
  last: undefined,
  tail: "",
};

function isAlike(one: LedgerRecord, other: LedgerRecord): boolean {
  const [a] = one.targets;
  const [b] = other.targets;
  return one.acceptedAt === other.acceptedAt && one.state === other.state &&
    one.topic === other.topic && one.reason === other.reason &&
    one.mergedInto === other.mergedInto && one.collapseKey === other.collapseKey &&
    one.fanout === other.fanout &&
    one.receipts === other.receipts && one.targets.length === other.targets.length &&
    (a === undefined || (one.targets.length === 1 && isAlikeTarget(a, b!)));
}

function isAlikeTarget(one: TargetRecord, other: TargetRecord): boolean {
  return one.at === other.at && one.state === other.state && one.client === other.client &&
    one.transport === other.transport && one.subscription === other.subscription &&
    one.reason === other.reason && one.providerId === other.providerId &&
    one.attempts === other.attempts && one.until === other.until &&
    one.earlier === other.earlier && one.sockets === other.sockets;
}

function encodeTail(record: LedgerRecord): string {
  const { topic, acceptedAt, state, targets, reason, mergedInto, collapseKey, fanout, receipts } =
    record;
  const all = targets.length === 1 ? encodeTarget(targets[0]!) : targets.map(encodeTarget).join();
  const tail = `${quote(topic)},${acceptedAt},"${state}",[${all}]`;
  if (
    reason === undefined && mergedInto === undefined && collapseKey === undefined &&
    fanout === undefined && receipts === undefined
  ) return `${tail}]`;
  return `${tail},${JSON.stringify({ reason, mergedInto, collapseKey, fanout, receipts })}]`;
}

/** Decodes a record and adds its id. */
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
  const { client, transport, state, at, subscription, reason, providerId, attempts, until } =
    target;
  const { earlier, sockets } = target;
  const text = `[${quote(client)},"${transport}","${state}",${at}`;
  if (
    reason === undefined && providerId === undefined && attempts === undefined &&
    until === undefined && earlier === undefined && sockets === undefined
  ) {
    return subscription === undefined
      ? `${text}]`
      : `${text},{"subscription":${quote(subscription)}}]`;
  }
  const extras = { subscription, reason, providerId, attempts, until, earlier, sockets };
  return `${text},${JSON.stringify(extras)}]`;
}
