import { systemClock } from "../../core/clock.ts";
import { INBOX_FAMILIES } from "../../inbox/mod.ts";
import type { Link } from "../../redis/link/link.ts";
import { openLink } from "../../redis/link/open.ts";
import { RedisStore } from "../../redis/records/store.ts";
import { MemoryStore, openKvStore } from "../../store/mod.ts";
import { inboxContract } from "../contract/inbox_contract.ts";
import { redisTests, sharedRedis } from "../support/redis_server.ts";

inboxContract("memory", () => Promise.resolve(new MemoryStore({ clock: systemClock })));
inboxContract("Deno KV", () => openKvStore(":memory:", { clock: systemClock, random: () => .5 }));

const redis = sharedRedis();
const links: Link[] = [];
Deno.test.afterAll(async () => {
  for (const link of links) await link[Symbol.asyncDispose]();
});

redisTests("the contract of inboxes, on Redis", () =>
  inboxContract("Redis", async () => {
    await redis().flush();
    const link = links[0] ??= await openLink(redis().url, {
      ...{ clock: systemClock, random: Math.random },
    });
    return new RedisStore(link, { standalone: INBOX_FAMILIES });
  }));
