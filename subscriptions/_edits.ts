/** Computes how operations change a user's document. Pure: the repository reads and writes. */

import { ServiceError } from "../core/errors.ts";
import type { Subscription, Target } from "../core/subscription.ts";
import { addressOf, tokenToKeep } from "./_addresses.ts";
import type { TokenName } from "./_records.ts";
import type { SubscribeRequest } from "./request.ts";

/** Whether a subscription has not expired. */
export function isLive({ expiresAt }: Subscription, now: number): boolean {
  return expiresAt === undefined || expiresAt > now;
}

/** Whether two tokens name the same address of the same client and transport. */
export function sameToken(a: TokenName, b: TokenName): boolean {
  return addressOf(a) === addressOf(b) && a.client === b.client && a.transport === b.transport;
}

/**
 * Adds a request: a known token keeps its id and takes the new topics, expiry and meta. Expired
 * subscriptions are removed.
 *
 * @throws {ServiceError} `too_many_subscriptions`
 */
export function withRequest(
  subscriptions: readonly Subscription[],
  request: SubscribeRequest,
  { now, newId, max, maxPerClient = max }: {
    readonly now: number;
    readonly newId: () => string;
    readonly max: number;
    /** Of those with the same client and transport. */
    readonly maxPerClient?: number | undefined;
  },
): { readonly after: readonly Subscription[]; readonly subscription: Subscription } {
  const live = subscriptions.filter((one) => isLive(one, now));
  const known = live.find((one) => sameToken(one, request));
  const { client, transport } = request;
  const alike = live.filter((one) => one.client === client && one.transport === transport);
  if (known === undefined && (live.length >= max || alike.length >= maxPerClient)) {
    const limit = live.length >= max
      ? `${max} subscriptions`
      : `${maxPerClient} subscriptions with '${client}'`;
    const message = `Cannot subscribe: a user has at most ${limit}`;
    throw new ServiceError("too_many_subscriptions", message);
  }
  const subscription: Subscription = {
    ...request,
    ...known !== undefined && { token: tokenToKeep(known, request) },
    id: known?.id ?? newId(),
    createdAt: known?.createdAt ?? now,
    // The wall clock may have gone back, but the client has been active since.
    refreshedAt: Math.max(now, known?.refreshedAt ?? 0),
  };
  const after = known === undefined
    ? [...live, subscription]
    : live.map((one) => one === known ? subscription : one);
  return { after, subscription };
}

/**
 * Removes the subscription that a provider reported dead, unless its token has changed or the
 * client has refreshed it after `refreshedBy`.
 */
export function withoutDead(
  subscriptions: readonly Subscription[],
  { target, refreshedBy }: { readonly target: Target; readonly refreshedBy: number },
): readonly Subscription[] {
  return subscriptions.filter((one) =>
    one.id !== target.subscriptionId || one.token !== target.token ||
    !sameToken(one, target) || one.refreshedAt > refreshedBy
  );
}

/** Replaces the target's token, or removes the target where the token is subscribed already. */
export function withRenewedToken(
  subscriptions: readonly Subscription[],
  { target, token, taken, now }: {
    readonly target: Target;
    readonly token: string;
    readonly taken: boolean;
    readonly now: number;
  },
): readonly Subscription[] {
  return subscriptions.flatMap((one) => {
    if (one.id !== target.subscriptionId || !sameToken(one, target)) return [one];
    return taken ? [] : [{ ...one, token, refreshedAt: Math.max(now, one.refreshedAt) }];
  });
}
