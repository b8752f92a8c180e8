/** What a publisher may ask beyond delivery, on the embedded store. */

import { testPublishing } from "../contract/publishing_contract.ts";
import { LINGERING } from "../interop/_stock_clients.ts";

testPublishing("embedded", {
  test: (name, fn) => Deno.test({ name, fn, ...LINGERING }),
  store: () => "memory:",
});
