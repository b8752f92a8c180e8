/**
 * Limits that hold for all nodes together. The buckets are in Redis; a node borrows a part of one
 * and spends it without asking, so that not every publish costs a round trip. What is borrowed and
 * not spent within a second is void, and where Redis is away nothing is limited.
 */

import type { Clock } from "../../core/clock.ts";
import { messageOf, ServiceError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { RateLimiter, Take } from "../../core/rate_limiter.ts";
import { keyIn } from "../keys.ts";
import type { RedisLink, Script } from "../link.ts";

/** What the limiter needs. */
export interface RateLimiterOptions {
  readonly link: Pick<RedisLink, "run">;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Log;
}

/** What this node has of a bucket. */
interface Share {
  left: number;
  /** Monotonic milliseconds. */
  expiresAt: number;
  /** So many will be refused until then (monotonic milliseconds). */
  refused: { readonly count: number; readonly until: number } | undefined;
  /** How many those take together that wait for the answer of Redis. */
  wanted: number;
  asking: Promise<void> | undefined;
}

/** A share lasts so long, so that what a node does not use is missed by the others only briefly. */
const SHARE_MS = 1_000;
/** A node borrows this part of a second's worth at a time. */
const PARTS = 20;
const MAX_SHARES = 10_000;

/**
 * `core/token_bucket.ts` with the servers' time: the key holds when the bucket is full again, and
 * expires then. Gives at least what is needed or nothing, and at most what is wanted.
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

/** A limiter over all nodes of a Redis. */
export function createRedisLimiter(options: RateLimiterOptions): RateLimiter {
  return new RedisLimiter(options);
}

class RedisLimiter implements RateLimiter {
  readonly #options: RateLimiterOptions;
  /** In the order of use. */
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

  /** What can be answered from here: 0, a wait, or `undefined`. */
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
        // Those who come while Redis is being asked share the answer, as far as it goes.
        share.asking ??= this.#ask(name, share, request).finally(() => share.asking = undefined);
        await share.asking;
        const answer = this.#spend(share, request);
        if (answer !== undefined) return answer;
      }
    } catch (thrown) {
      if (!(thrown instanceof ServiceError)) {
        this.#options.log.error("a limit could not be asked", { reason: messageOf(thrown) });
      }
      return 0;
    } finally {
      share.wanted -= request.count;
    }
  }

  async #ask(name: string, share: Share, { count, perSecond }: Take): Promise<void> {
    const needed = count - share.left;
    const wanted = Math.max(share.wanted - share.left, Math.floor(perSecond / PARTS), needed);
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
      { left: 0, expiresAt: 0, refused: undefined, wanted: 0, asking: undefined };
    this.#shares.delete(name);
    this.#shares.set(name, share);
    const now = this.#options.clock.monotonic();
    for (const [oldest, { expiresAt, asking }] of this.#shares) {
      const idle = expiresAt <= now && asking === undefined;
      if (oldest === name || (!idle && this.#shares.size <= MAX_SHARES)) break;
      this.#shares.delete(oldest);
    }
    return share;
  }
}
