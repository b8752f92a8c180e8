/**
 * Rate limits for all nodes together. The buckets are in Redis. A node borrows a share of a bucket
 * and spends it locally, so that most publishes need no round trip. A share that is not spent
 * within a second expires. While Redis is unavailable nothing is limited.
 */

import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { RateLimiter, Take } from "../../core/rate_limiter.ts";
import { keyIn } from "../keys.ts";
import { logUnlessOutage, type RedisLink, type Script } from "../link.ts";

interface RateLimiterOptions {
  readonly link: Pick<RedisLink, "run">;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Log;
}

interface Share {
  left: number;
  /** Monotonic milliseconds. */
  expiresAt: number;
  /** Takes of at least so many are refused until then (monotonic ms). */
  refused: { readonly count: number; readonly until: number } | undefined;
  /** The sum of the takes that wait for the answer of Redis. */
  wanted: number;
  pending: Promise<void> | undefined;
}

/** Short, so that an unused share is missing to other nodes only briefly. */
const SHARE_MS = 1_000;
/** A node borrows this fraction of a second's tokens at a time. */
const SHARES_PER_SECOND = 20;
const MAX_SHARES = 10_000;

/**
 * `core/token_bucket.ts` by the servers' clock: the key holds the time at which the bucket is full,
 * and expires then. Gives at least what is needed or nothing, and at most what is wanted.
 */
const BORROW: Script = {
  name: "rate_borrow",
  lua: `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local rate, needed, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local missing = math.max(0, tonumber(redis.call('GET', KEYS[1]) or now) - now)
local wait = missing + math.min(needed, rate) * 1000 / rate - 1000
if wait > 0.001 then return {0, math.ceil(wait)} end
local given = math.max(needed, math.min(wanted, math.floor((1000 - missing) * rate / 1000)))
local full = missing + given * 1000 / rate
redis.call('SET', KEYS[1], string.format('%.3f', now + full), 'PX', math.ceil(full))
return {given, 0}`,
};

/** A limiter over all nodes that share a Redis. */
export class RedisLimiter implements RateLimiter {
  readonly #options: RateLimiterOptions;
  /** In order of use. */
  readonly #shares = new Map<string, Share>();

  constructor(options: RateLimiterOptions) {
    this.#options = options;
  }

  take(name: string, request: Take): number | Promise<number> {
    const share = this.#share(name);
    return this.#spend(share, request) ?? this.#borrow(name, share, request);
  }

  refund(name: string, { count }: Take): void {
    const share = this.#shares.get(name);
    if (share === undefined) return;
    const now = this.#options.clock.monotonic();
    share.left = (share.expiresAt > now ? share.left : 0) + count;
    share.expiresAt = now + SHARE_MS;
    share.refused = undefined;
  }

  /** Answers from the local share: 0, a wait in ms, or `undefined`. */
  #spend(share: Share, { count }: Take): number | undefined {
    const now = this.#options.clock.monotonic();
    if (share.expiresAt <= now) share.left = 0;
    if (share.left >= count) {
      share.left -= count;
      return 0;
    }
    const { refused } = share;
    return refused && refused.count <= count - share.left && refused.until > now
      ? refused.until - now
      : undefined;
  }

  async #borrow(name: string, share: Share, request: Take): Promise<number> {
    share.wanted += request.count;
    try {
      for (;;) {
        // Takes that come while Redis is asked share the answer, as far as it goes.
        share.pending ??= this.#requestShare(name, share, request).finally(() =>
          share.pending = undefined
        );
        await share.pending;
        const answer = this.#spend(share, request);
        if (answer !== undefined) return answer;
      }
    } catch (thrown) {
      logUnlessOutage(thrown, { log: this.#options.log, message: "cannot check a rate limit" });
      return 0;
    } finally {
      share.wanted -= request.count;
    }
  }

  async #requestShare(name: string, share: Share, { count, perSecond }: Take): Promise<void> {
    const needed = count - share.left;
    const wanted = Math.max(
      share.wanted - share.left,
      Math.floor(perSecond / SHARES_PER_SECOND),
      needed,
    );
    const { link, clock } = this.#options;
    const reply = await link.run(BORROW, [keyIn(name, "rate")], [perSecond, needed, wanted]);
    const [given, waitMs] = reply as readonly [number, number];
    const now = clock.monotonic();
    if (given === 0) {
      share.refused = { count: needed, until: now + waitMs };
      return;
    }
    share.left = (share.expiresAt > now ? share.left : 0) + given;
    share.expiresAt = now + SHARE_MS;
    share.refused = undefined;
  }

  #share(name: string): Share {
    const share = this.#shares.get(name) ??
      { left: 0, expiresAt: 0, refused: undefined, wanted: 0, pending: undefined };
    this.#shares.delete(name);
    this.#shares.set(name, share);
    const now = this.#options.clock.monotonic();
    for (const [oldest, { expiresAt, pending }] of this.#shares) {
      const idle = expiresAt <= now && pending === undefined;
      if (oldest === name || (!idle && this.#shares.size <= MAX_SHARES)) break;
      this.#shares.delete(oldest);
    }
    return share;
  }
}
