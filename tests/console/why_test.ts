/** The page "Why" for what publishing offers: times, languages, and one of many users. */

import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { NEW_MAIL } from "../support/api.ts";
import { FakeGcm } from "../support/fake_gcm.ts";
import { listen } from "../support/listener.ts";
import { ADMIN_KEY, startTestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";
import { SignedIn } from "./_console.ts";

const NOON = Date.UTC(2026, 5, 1, 12);
const QUIET = "io.carillon.quietHours";

/** The text of a page, without its tags. */
function textOf(html: string): string {
  return html.replace(/<[^>]+>/g, "").replace(/\s+/g, " ");
}

Deno.test("the page Why shows when a target is sent to, and in which language", async () => {
  await using gcm = new FakeGcm();
  const { properties, files } = gcm.configuration;
  await using service = await startTestService({
    clock: { ...systemClock, now: () => NOON },
    properties: { ...properties, [`${QUIET}.times`]: "22:00-07:00" },
    files: {
      ...files,
      "pns-messages.yml": `app:\n  gcm:\n    news:\n      title: New\n      locales:\n` +
        `        de: {title: Neu}\n`,
    },
  });
  await service.subscribe({ client: "app", transport: "gcm", token: "t", locale: "de-CH" });
  using _listener = await listen(service.host, { session: await service.mint() });
  const one = await SignedIn.with(service, ADMIN_KEY);
  const query = "/console/why?context=1&user=3&topic=news";
  const escalated = textOf((await one.page(`${query}&escalate=60`)).html);
  assert.match(escalated, /It waits until 2026-06-01 12:01:00 UTC: escalation, unless a socket/);
  assert.match(escalated, /Language: de tried de-CH \(subscription\), de \(subscription\)/);
  const later = textOf((await one.page(`${query}&deliverAt=23:00`)).html);
  assert.match(later, /It is delivered at 2026-06-01 23:00:00 UTC/);
  assert.match(later, /It waits until 2026-06-02 07:00:00 UTC: quiet hours\./);
  assert.match(later, /Quiet hours: it is sent when they end/);
  assert.match(later, /The messages are without data/);
  assert.match(
    later,
    /websocket of open-xchange-appsuite.*It receives topic and data as they were/,
  );
  const mail = await one.page("/console/why?context=1&user=3&topic=ox:mail:new");
  assert.match(textOf(mail.html), /Its texts depend on the data, which are not known here/);
  assert.doesNotMatch(mail.html, /Silent: the app wakes up/);
});

Deno.test("the page Why asks for the user of a notification to many, and shows that one's", async () => {
  await using service = await startTestService();
  const { user: _, ...rest } = NEW_MAIL;
  const { body } = await service.call("POST", "/v1/notifications", {
    body: { ...rest, users: ["a", "b"] },
  });
  const id = body.ids[0];
  await until("all are accepted", async () => {
    return (await service.call("GET", `/v1/notifications/${id}`)).body.users.count === 2;
  });
  const one = await SignedIn.with(service, ADMIN_KEY);
  const page = async (more: string) =>
    textOf((await one.page(`/console/why?id=${id}${more}`)).html);
  assert.match(await page(""), /user is needed: the notification is to many users/);
  assert.match(await page("&user=b"), /The user is one of many that it is for/);
  assert.match(await page("&user=c"), /The user is not among the 2 users that it is for so far/);
});
