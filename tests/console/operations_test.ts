/** What the pages of operators say, without a browser. */

import assert from "node:assert/strict";
import { FakeGcm } from "../support/fake_gcm.ts";
import { ADMIN_KEY, startTestService } from "../support/start_service.ts";
import { SignedIn } from "./_console.ts";

/** The text of a page, without its elements. */
function textOf(html: string): string {
  return html.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
}

Deno.test("the credentials tell their environment and the provider's last answer", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  const one = await SignedIn.with(service, ADMIN_KEY);
  const shown = async () => textOf((await one.page("/console/credentials")).html);
  assert.match(await shown(), /gcm app legacy format at 127\.0\.0\.1:\d+ .* none since the start/);
  await service.subscribe({ client: "app", transport: "gcm", token: "t" });
  await service.settled(await service.publish());
  assert.match(await shown(), / sent 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d none/);
  gcm.errors.set("t", "MessageTooBig");
  await service.settled(await service.publish({ data: { n: 2 } }));
  assert.match(await shown(), / rejected MessageTooBig/);
});
