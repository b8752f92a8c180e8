/** Limits how many notifications a second a credential and a context may publish. */

import { ServiceError } from "../core/errors.ts";
import type { Principal } from "../core/principal.ts";
import type { RateLimiter, Take } from "../core/rate_limiter.ts";

/** Which limit was exceeded. */
export type LimitKind = "key" | "context";

/** Limits are notifications a second, read for each request; 0 means no limit. */
interface PublishLimitsOptions {
  readonly limiter: RateLimiter;
  readonly perKey: () => number;
  readonly perContext: (context: string) => number | Promise<number>;
  readonly onLimited?: (limit: LimitKind) => void;
}

/** Admits notifications of these contexts or throws; synchronous where nothing has to be read. */
export type PublishLimits = (
  principal: Pick<Principal, "id">,
  drafts: readonly { readonly context: string }[],
) => Promise<void> | void;

interface Wanted extends Take {
  readonly limit: LimitKind;
  readonly name: string;
  /** Names the limit in the error message. */
  readonly scope: string;
}

/**
 * Creates the check. Where one limit refuses, the others are refunded.
 *
 * @throws {ServiceError} `too_many_requests`, with the seconds to wait
 */
export function createPublishLimits(
  { limiter, perKey, perContext, onLimited }: PublishLimitsOptions,
): PublishLimits {
  function ofContext(context: string, { count, perSecond }: Take): Wanted {
    const scope = `in context ${context}`;
    return { limit: "context", name: `context:${context}`, scope, count, perSecond };
  }

  async function pass(wanted: readonly Wanted[]): Promise<void> {
    const waits = await Promise.all(wanted.map((each) => limiter.take(each.name, each)));
    const longest = Math.max(...waits);
    if (longest <= 0) return;
    wanted.forEach((each, at) => {
      if (waits[at]! <= 0) limiter.refund(each.name, each);
    });
    const { limit, perSecond, scope } = wanted[waits.indexOf(longest)]!;
    onLimited?.(limit);
    throw new ServiceError(
      "too_many_requests",
      `Cannot publish: more than ${perSecond} notifications a second ${scope}`,
      { retryAfterSeconds: Math.max(1, Math.ceil(longest / 1000)) },
    );
  }

  return (principal, drafts) => {
    const wanted: Wanted[] = [];
    const perSecond = perKey();
    if (perSecond > 0) {
      const scope = "with this credential";
      const { length: count } = drafts;
      wanted.push({ limit: "key", name: `key:${principal.id}`, scope, count, perSecond });
    }
    const waiting: Promise<void>[] = [];
    for (const [context, count] of countByContext(drafts)) {
      const add = (perSecond: number) => {
        if (perSecond > 0) wanted.push(ofContext(context, { count, perSecond }));
      };
      const limit = perContext(context);
      if (limit instanceof Promise) waiting.push(limit.then(add));
      else add(limit);
    }
    if (waiting.length > 0) return Promise.all(waiting).then(() => pass(wanted));
    return wanted.length === 0 ? undefined : pass(wanted);
  };
}

function countByContext(
  drafts: readonly { readonly context: string }[],
): Iterable<readonly [context: string, count: number]> {
  const context = drafts[0]?.context;
  if (context === undefined) return [];
  if (drafts.every((draft) => draft.context === context)) return [[context, drafts.length]];
  const counts = new Map<string, number>();
  for (const { context } of drafts) counts.set(context, (counts.get(context) ?? 0) + 1);
  return counts;
}
