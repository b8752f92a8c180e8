/** How many notifications a second a credential and a context may have accepted. */

import { ServiceError } from "../core/errors.ts";
import type { Principal } from "../core/principal.ts";
import type { RateLimiter, Take } from "../core/rate_limiter.ts";

/** Whose limit it is. */
export type LimitKind = "key" | "context";

/** What the limits need. They are notifications a second, 0 being none, and read anew each time. */
export interface PublishLimitsOptions {
  readonly limiter: RateLimiter;
  readonly perKey: () => number;
  readonly perContext: (context: string) => number | Promise<number>;
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
  { limiter, perKey, perContext, onLimited }: PublishLimitsOptions,
): PublishLimits {
  async function ofContext(context: string, count: number): Promise<Wanted> {
    const perSecond = await perContext(context);
    const scope = `in context ${context}`;
    return { limit: "context", name: `context:${context}`, scope, count, perSecond };
  }

  return async (principal, drafts) => {
    const counts = new Map<string, number>();
    for (const { context } of drafts) counts.set(context, (counts.get(context) ?? 0) + 1);
    const ofKey: Wanted = {
      ...{ limit: "key", name: `key:${principal.id}`, scope: "with this credential" },
      ...{ count: drafts.length, perSecond: perKey() },
    };
    const ofContexts = await Promise.all([...counts].map((each) => ofContext(...each)));
    const wanted = [ofKey, ...ofContexts].filter(({ perSecond }) => perSecond > 0);
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
