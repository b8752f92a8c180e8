/** What a publisher may ask beyond delivery, on the embedded store. */

import { testAcknowledgements } from "../contract/acknowledgement_contract.ts";
import { testCancellation } from "../contract/cancellation_contract.ts";
import { testFanout } from "../contract/fanout_contract.ts";
import { testLanguages } from "../contract/languages_contract.ts";
import { testPublishing } from "../contract/publishing_contract.ts";
import { testQuietHours } from "../contract/quiet_hours_contract.ts";
import { LINGERING } from "../interop/_stock_clients.ts";

const suite = {
  test: (name: string, fn: () => Promise<void>) => Deno.test({ name, fn, ...LINGERING }),
  store: () => "memory:",
};

testPublishing("embedded", suite);
testAcknowledgements("embedded", suite);
testQuietHours("embedded", suite);
testFanout("embedded", suite);
testLanguages("embedded", suite);
testCancellation("embedded", suite);
