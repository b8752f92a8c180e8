/**
 * Provider tokens that are made once for all nodes. Whoever finds none that is usable takes a lock
 * and makes one; the others look again and again until it is there, for a bounded time. Where Redis
 * is away or the wait is over, a node makes its own.
 */

import { type Clock, sleep } from "../../core/clock.ts";
import { messageOf, ServiceError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { SharedToken, SharedTokens } from "../../core/shared_tokens.ts";
import { openToken, type Seal, sealOf, sealToken } from "./_sealed_token.ts";
import { keyIn } from "../keys.ts";
import type { RedisLink, Script } from "../link.ts";

/** What sharing needs. */
export interface SharedTokensOptions {
  readonly link: Pick<RedisLink, "run">;
  readonly clock: Clock;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly log: Log;
}

type Request = Parameters<SharedTokens["get"]>[1];

/** A token endpoint answers within that, or is given up. */
const LOCK_MS = 20_000;
const MAX_WAIT_MS = 5_000;
/** Half as much at least, half as much more at most. */
const POLL_MS = 100;

/** The token, unless it is the one that was seen; otherwise the lock, unless somebody has it. */
const LOOK: Script = {
  name: "token_look",
  lua: `
local token = redis.call('GET', KEYS[1])
if token and token ~= ARGV[1] then return {token, 0} end
if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then return {false, 1} end
return {false, 0}`,
};

const RELEASE = `
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1`;

const GIVE_UP: Script = { name: "token_give_up", lua: RELEASE };
const KEEP: Script = {
  name: "token_keep",
  lua: `redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])${RELEASE}`,
};

/** Tokens shared through a Redis. */
export function createSharedTokens(options: SharedTokensOptions): SharedTokens {
  const { link, clock, random, log } = options;
  let asked = 0;
  const salt = crypto.randomUUID();

  /** A token that others made, or who is to make it. */
  async function find(
    seal: Seal,
    { keys, holder, usable }: Pick<Request, "usable"> & Place,
  ): Promise<SharedToken | undefined> {
    const deadline = clock.monotonic() + MAX_WAIT_MS;
    let seen = "";
    do {
      const reply = await link.run(LOOK, keys, [seen, holder, LOCK_MS]);
      const [text, isMine] = reply as readonly [string | null, number];
      if (text !== null) {
        const token = await openToken(seal, text);
        if (token !== undefined && usable(token)) return token;
        seen = text;
      } else if (isMine === 1) return undefined;
      else await sleep(clock, POLL_MS * (0.5 + random()));
    } while (clock.monotonic() < deadline);
    return undefined;
  }

  async function keep(seal: Seal, token: SharedToken, { keys, holder }: Place): Promise<void> {
    const lifeMs = Math.floor(token.expiresAt - clock.now());
    if (lifeMs <= 0) return await giveUp({ keys, holder });
    await quietly(async () =>
      await link.run(KEEP, keys, [holder, await sealToken(seal, token), lifeMs])
    );
  }

  async function giveUp({ keys, holder }: Place): Promise<void> {
    await quietly(() => link.run(GIVE_UP, keys, [holder]));
  }

  /** Without Redis a node goes on alone; that it is away is told by the link. */
  async function quietly<T>(run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (thrown) {
      if (!(thrown instanceof ServiceError)) {
        log.error("a provider token could not be shared", { reason: messageOf(thrown) });
      }
      return undefined;
    }
  }

  return {
    async get(name, { secret, usable, make }) {
      const seal = await sealOf(name, secret);
      const tag = `token ${seal.place}`;
      const place: Place = {
        keys: [keyIn(tag, "token"), keyIn(tag, "lock")],
        holder: `${salt} ${asked++}`,
      };
      const found = await quietly(() => find(seal, { ...place, usable }));
      if (found !== undefined) return found;
      let made: SharedToken | undefined;
      try {
        return made = await make();
      } finally {
        await (made === undefined ? giveUp(place) : keep(seal, made, place));
      }
    },
  };
}

/** Where a token is, and who asks for it. */
interface Place {
  readonly keys: readonly [token: string, lock: string];
  readonly holder: string;
}
