/** What a publisher may ask beyond delivery, on Redis. */

import { testPublishing } from "../contract/publishing_contract.ts";
import { redisTest, sharedRedis } from "../support/redis_server.ts";

const redis = sharedRedis();

testPublishing("on Redis", {
  test: (name, run) => redisTest(name, run),
  store: async () => {
    await redis().flush();
    return redis().url;
  },
});
