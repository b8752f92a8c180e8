import assert from "node:assert/strict";
import { BodyDeadline } from "../../core/body_deadline.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("a body that breaks off while the listeners close is to be sent again", async () => {
  using deadline = new BodyDeadline({ clock: new FakeClock(), bodyTimeoutMs: () => 1_000 });
  const broken = new Deno.errors.Http("request or response body error");
  await assert.rejects(deadline.inTime(Promise.reject(broken)), broken);
  const reading = Promise.withResolvers<Uint8Array>();
  const read = deadline.inTime(reading.promise);
  deadline.listenersClose();
  reading.reject(broken);
  await assert.rejects(read, { code: "draining", retryAfterSeconds: 1 });
});
