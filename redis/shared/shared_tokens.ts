/**
 * Shares provider tokens between nodes. A node that finds no usable token takes a lock and makes
 * one; the others poll until it is there, for a limited time. A node makes its own token where
 * Redis is unavailable or the wait is over.
 */

import { sleep } from "../../core/clock.ts";
import type { SharedToken, SharedTokens } from "../../core/shared_tokens.ts";
import type { SystemDeps } from "../../core/system_deps.ts";
import { openToken, type Seal, sealOf, sealToken } from "./_sealed_token.ts";
import { keyIn } from "../keys.ts";
import { logUnlessOutage, type RedisLink, type Script } from "../link.ts";

interface SharedTokensOptions extends SystemDeps {
  readonly link: Pick<RedisLink, "run">;
}

type Request = Parameters<SharedTokens["get"]>[1];

/** No request to a token endpoint takes longer. */
const LOCK_MS = 20_000;
const MAX_WAIT_MS = 5_000;
/** Jitter makes it half to one and a half times that. */
const POLL_MS = 100;

/**
 * Returns the token, unless it is the one that was seen; otherwise takes the lock, unless another
 * node has it.
 */
const FIND_OR_LOCK: Script = {
  name: "token_find_or_lock",
  lua: `
local token = redis.call('GET', KEYS[1])
if token and token ~= ARGV[1] then return {token, 0} end
if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then return {false, 1} end
return {false, 0}`,
};

const RELEASE_LUA = `
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1`;

const RELEASE_LOCK: Script = { name: "token_release_lock", lua: RELEASE_LUA };
const SAVE: Script = {
  name: "token_save",
  lua: `redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])${RELEASE_LUA}`,
};

/** Creates the tokens shared through a Redis. */
export function createSharedTokens(options: SharedTokensOptions): SharedTokens {
  const { link, clock, random, log } = options;
  let requests = 0;
  const salt = crypto.randomUUID();

  /** Returns a token of another node, or `undefined` where this node is to make one. */
  async function find(
    seal: Seal,
    { keys, holder, usable }: Pick<Request, "usable"> & TokenKeys,
  ): Promise<SharedToken | undefined> {
    const deadline = clock.monotonic() + MAX_WAIT_MS;
    let seen = "";
    do {
      const reply = await link.run(FIND_OR_LOCK, keys, [seen, holder, LOCK_MS]);
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

  async function save(seal: Seal, token: SharedToken, { keys, holder }: TokenKeys): Promise<void> {
    const lifeMs = Math.floor(token.expiresAt - clock.now());
    if (lifeMs <= 0) return await releaseLock({ keys, holder });
    await ignoreOutage(async () =>
      await link.run(SAVE, keys, [holder, await sealToken(seal, token), lifeMs])
    );
  }

  async function releaseLock({ keys, holder }: TokenKeys): Promise<void> {
    await ignoreOutage(() => link.run(RELEASE_LOCK, keys, [holder]));
  }

  /** Without Redis a node makes its own tokens; the link reports the outage. */
  async function ignoreOutage<T>(run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (thrown) {
      logUnlessOutage(thrown, { log, message: "cannot share a provider token with other nodes" });
      return undefined;
    }
  }

  return {
    async get(name, { secret, usable, make }) {
      const seal = await sealOf(name, secret);
      const tag = `token ${seal.keyId}`;
      const tokenKeys: TokenKeys = {
        keys: [keyIn(tag, "token"), keyIn(tag, "lock")],
        holder: `${salt} ${requests++}`,
      };
      const found = await ignoreOutage(() => find(seal, { ...tokenKeys, usable }));
      if (found !== undefined) return found;
      let made: SharedToken | undefined;
      try {
        return made = await make();
      } finally {
        await (made === undefined ? releaseLock(tokenKeys) : save(seal, made, tokenKeys));
      }
    },
  };
}

/** The keys of a token, and who asks for it. */
interface TokenKeys {
  readonly keys: readonly [token: string, lock: string];
  readonly holder: string;
}
