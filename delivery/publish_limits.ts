/** How many notifications a second a credential and a context may have accepted. */

import { ServiceError } from "../core/errors.ts";
import type { Principal } from "../core/principal.ts";
import type { RateLimiter, Take } from "../core/rate_limiter.ts";

/** Whose limit it is. */
export type LimitKind = "key" | "context";

/** Notifications a second; 0: no limit. */
export interface LimitSettings {
  readonly maxPerSecondPerKey: number;
  readonly maxPerSecondPerContext: number;
}

/** What the limits need. */
export interface PublishLimitsOptions {
  readonly limiter: RateLimiter;
  /** Read anew each time, so that a reload counts at once. */
  readonly settings: () => LimitSettings;
  readonly onLimited?: (limit: LimitKind) => void;
}

/** Lets notifications of these contexts pass, or throws. */
export type PublishLimits = (
  principal: Pick<Principal, "id">,
  drafts: readonly { readonly context: string }[],
) => Promise<void>;

interface Wanted extends Take {
  readonly limit: LimitKind;
  readonly name: string;
  /** How the limit is called in an error. */
  readonly scope: string;
}

/**
 * The function that lets pass or throws. Where one limit refuses, none is used up.
 *
 * @throws {ServiceError} `too_many_requests`, with the time after which another try is worth it
 */
export function createPublishLimits(
  { limiter, settings, onLimited }: PublishLimitsOptions,
): PublishLimits {
  return async (principal, drafts) => {
    const wanted = wantedOf(principal.id, drafts, settings());
    if (wanted.length === 0) return;
    const waits = await Promise.all(wanted.map((each) => limiter.take(each.name, each)));
    const longest = Math.max(...waits);
    if (longest <= 0) return;
    wanted.forEach((each, at) => {
      if (waits[at]! <= 0) limiter.giveBack(each.name, each);
    });
    const { limit, perSecond, scope } = wanted[waits.indexOf(longest)]!;
    onLimited?.(limit);
    throw new ServiceError(
      "too_many_requests",
      `Cannot publish: more than ${perSecond} notifications a second ${scope}`,
      { retryAfterSeconds: Math.max(1, Math.ceil(longest / 1000)) },
    );
  };
}

function wantedOf(
  id: string,
  drafts: readonly { readonly context: string }[],
  { maxPerSecondPerKey, maxPerSecondPerContext }: LimitSettings,
): readonly Wanted[] {
  const wanted: Wanted[] = [];
  if (maxPerSecondPerKey > 0) {
    const perSecond = maxPerSecondPerKey;
    const scope = "with this credential";
    wanted.push({ limit: "key", name: `key:${id}`, scope, count: drafts.length, perSecond });
  }
  if (maxPerSecondPerContext > 0) {
    const counts = new Map<string, number>();
    for (const { context } of drafts) counts.set(context, (counts.get(context) ?? 0) + 1);
    for (const [context, count] of counts) {
      const scope = `in context ${context}`;
      const perSecond = maxPerSecondPerContext;
      wanted.push({ limit: "context", name: `context:${context}`, scope, count, perSecond });
    }
  }
  return wanted;
}
