/** What a publisher may ask beyond delivery, on Redis. */

import { testAcknowledgements } from "../contract/acknowledgement_contract.ts";
import { testCancellation } from "../contract/cancellation_contract.ts";
import { testFanout } from "../contract/fanout_contract.ts";
import { testLanguages } from "../contract/languages_contract.ts";
import { testPublishing } from "../contract/publishing_contract.ts";
import { testQuietHours } from "../contract/quiet_hours_contract.ts";
import { redisTest, sharedRedis } from "../support/redis_server.ts";

const redis = sharedRedis();

const suite = {
  test: (name: string, run: () => Promise<void>) => redisTest(name, run),
  store: async () => {
    await redis().flush();
    return redis().url;
  },
};

testPublishing("on Redis", suite);
testAcknowledgements("on Redis", suite);
testQuietHours("on Redis", suite);
testFanout("on Redis", suite);
testLanguages("on Redis", suite);
testCancellation("on Redis", suite);
