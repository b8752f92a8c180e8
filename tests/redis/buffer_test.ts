import { RedisBuffer } from "../../redis/buffer/buffer.ts";
import { type BufferUnderTest, testBuffer } from "../contract/buffer_contract.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { mortalClock } from "../support/mortal_clock.ts";
import { openTestLink } from "../support/redis_link.ts";
import { redisTests, sharedRedis } from "../support/redis_server.ts";
import { flakyLink, idle, NodeRegister } from "./_buffer_setup.ts";

const redis = sharedRedis();

async function create(): Promise<BufferUnderTest> {
  await redis().flush();
  const link = await openTestLink(redis().url);
  const clock = new FakeClock();
  const start = clock.now();
  const register = new NodeRegister();
  const open = () => {
    const node = register.join();
    const flaky = flakyLink(link, () => start + clock.monotonic());
    return { clock: mortalClock(clock), node, link: flaky };
  };
  let last = open();
  return {
    clock,
    open(settings) {
      // Ends the node that had the buffer open before.
      last.clock.kill();
      last.link.kill();
      last.node.vanish();
      last = open();
      return new RedisBuffer({
        ...{ link: last.link, nodes: last.node, clock: last.clock, settings },
        random: () => 0,
        retentionMs: () => 86_400_000,
        yieldToEventLoop: () => settle(1),
      });
    },
    breakStore: (is) => last.link.break(is),
    idle: () => idle(link),
    foundAtStart: (buffer) => buffer.depth().inFlight,
    worksFromMemory: false,
    dispose: async () => await link[Symbol.asyncDispose](),
  };
}

redisTests("RedisBuffer", () => testBuffer("RedisBuffer", create));
