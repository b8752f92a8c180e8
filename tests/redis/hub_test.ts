import { eventHubContract, type HubsUnderTest } from "../contract/events_contract.ts";
import { redisTests, sharedRedis } from "../support/redis_server.ts";
import { type HubNode, openHub, Register } from "./_hubs.ts";

const redis = sharedRedis();
const SETTINGS = { windowMs: 1_500, maxEventsPerUser: 5 };

async function createHubs(): Promise<HubsUnderTest> {
  await redis().flush();
  const register = new Register();
  const open = new Set<HubNode>();
  return {
    ...SETTINGS,
    async open(local) {
      const node = await openHub(redis().url, { register, local, settings: SETTINGS });
      open.add(node);
      return node.hub;
    },
    // The servers' clock counts, and only real time moves it.
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    async crash(hub) {
      const node = [...open].find((each) => each.hub === hub)!;
      open.delete(node);
      await node.kill();
    },
    async dispose() {
      for (const node of open) await node[Symbol.asyncDispose]();
    },
  };
}

redisTests("an event hub on Redis", () => {
  eventHubContract("an event hub on Redis", createHubs, { survives: true });
});
