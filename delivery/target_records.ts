/** The records of a notification's targets, one by one. Pure. */

import type { TargetRecord } from "../core/ledger.ts";
import type { Target } from "../core/subscription.ts";

/** Builds the record of a target from its state and the fields that are known. */
export function recordOf(
  { client, transport, subscriptionId }: Target,
  fields: Omit<TargetRecord, "client" | "transport" | "subscription">,
): TargetRecord {
  return subscriptionId === undefined
    ? { client, transport, ...fields }
    : { client, transport, subscription: subscriptionId, ...fields };
}

/** Whether an attempt of a target is still to come. */
export function isUnsent({ state }: TargetRecord): boolean {
  return state === "retrying" || state === "held";
}

/** Whether a target waits for a returning client. */
export function isKeptFor(client: string, target: TargetRecord): boolean {
  return target.state === "kept" && target.client === client && target.transport === "websocket";
}

/** Returns the place of a target among those of its notification, or -1. */
export function indexOfTarget(
  targets: readonly TargetRecord[],
  { client, transport, subscription }: TargetRecord,
): number {
  return targets.findIndex((one) =>
    one.client === client && one.transport === transport && one.subscription === subscription
  );
}

/** Adds the record of a target, or replaces the one before. */
export function putRecord(targets: TargetRecord[], record: TargetRecord): TargetRecord[] {
  const at = indexOfTarget(targets, record);
  if (at < 0) targets.push(record);
  else targets[at] = record;
  return targets;
}

/** Names a target within its notification. */
export function targetKey(
  { client, transport, subscription }: Pick<TargetRecord, "client" | "transport" | "subscription">,
): string {
  return `${transport}/${client}/${subscription ?? ""}`;
}
