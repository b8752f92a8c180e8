/** What `explain` and `config diff` tell besides the plain case. */

import assert from "node:assert/strict";
import { startProviders } from "../flow/_providers.ts";
import { startTestService } from "../support/start_service.ts";
import { carillon } from "./_carillon.ts";

Deno.test("explain tells what is no target, and why", async () => {
  await using providers = await startProviders();
  const { service } = providers;
  await service.subscribe({
    ...{ client: "demo-ios", transport: "apn", token: "cd".repeat(32) },
    topics: ["ox:calendar:*"],
  });
  const { stdout } = await carillon(["explain", "3", "1"], { service });
  assert.match(
    stdout,
    /^no {2}apn demo-ios: it subscribes to ox:calendar:\*, not to ox:mail:new$/m,
  );
  assert.match(stdout, /^no {2}websocket: the user has no open socket$/m);
});

Deno.test("config diff compares with the default that another key gives", async () => {
  await using service = await startTestService();
  for (const name of ["delayDuration", "maxDelayDuration"]) {
    const key = `com.openexchange.pns.${name}`;
    const { code, stderr } = await carillon(["config", "set", key, "500"], { service });
    assert.equal(code, 0, stderr);
  }
  const { stdout } = await carillon(["config", "diff"], { service });
  assert.match(stdout, /\.delayDuration: 1000 → 500/);
  assert.doesNotMatch(stdout, /maxDelayDuration/);
});
