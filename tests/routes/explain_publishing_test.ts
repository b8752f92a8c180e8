/** Explain of what publishing offers: languages, quiet hours, escalation, later, and many users. */

import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../core/clock.ts";
import { assertProblem, NEW_MAIL } from "../support/api.ts";
import { FakeGcm } from "../support/fake_gcm.ts";
import { listen } from "../support/listener.ts";
import { startTestService, type TestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";

const QUERY = "/v1/explain?context=1&user=3&topic=ox:mail:new";
const QUIET = "io.carillon.quietHours";
const ID = "0192aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa";
const { user: _, ...TO_MANY } = NEW_MAIL;

/** A clock that stands at one time of the day, in UTC. */
function standingAt(now: number): Clock {
  return { ...systemClock, now: () => now };
}

const NOON = Date.UTC(2026, 5, 1, 12);

/** A service at noon, whose user has a phone. */
async function startAtNoon(
  { configuration: { properties, files } }: FakeGcm,
  more: Readonly<Record<string, string>> = {},
): Promise<TestService> {
  const service = await startTestService({
    ...{ files, clock: standingAt(NOON), properties: { ...properties, ...more } },
  });
  await service.subscribe({ client: "app", transport: "gcm", token: "t" });
  return service;
}

async function explained(service: TestService, query: string) {
  const { status, body, text } = await service.call("GET", query);
  assert.equal(status, 200, text);
  return body;
}

interface Step {
  readonly key: string;
  readonly scope: string;
  readonly value?: string;
  readonly chosen: boolean;
}

/** The step of a trail that decides a key. */
function decisive({ trail }: { readonly trail: readonly Step[] }, key: string): Step {
  return trail.find((step) => step.key === key && step.chosen)!;
}

Deno.test("explain names the language of a message, who wants it, and the user's setting", async () => {
  await using gcm = new FakeGcm();
  const { properties, files } = gcm.configuration;
  const messages = `app:\n  gcm:\n    news:\n      title: New\n      locales:\n` +
    `        fr: {title: Nouveau}\n        de: {title: Neu}\n`;
  await using service = await startTestService({
    ...{ properties, files: { ...files, "pns-messages.yml": messages } },
  });
  await service.subscribe({ client: "app", transport: "gcm", token: "t", locale: "pt-BR" });
  const query = "/v1/explain?context=1&user=3&topic=news";
  const target = async () => (await explained(service, query)).targets[0];
  const plain = await target();
  assert.deepEqual([plain.message.title, plain.language], ["New", {
    wanted: [{ locale: "pt-BR", from: "subscription" }, { locale: "pt", from: "subscription" }],
    available: ["fr", "de"],
  }]);
  const body = { attributes: { "io.carillon.locale": "de-CH" } };
  await service.call("PUT", "/v1/contexts/1/users/3/config", { body });
  const german = await target();
  assert.deepEqual([german.message.title, german.language.chosen], ["Neu", "de"]);
  assert.deepEqual(german.language.wanted.slice(2), [
    { locale: "de-CH", from: "user" },
    { locale: "de", from: "user" },
  ]);
  const { scope, value } = decisive(german, "io.carillon.locale");
  assert.deepEqual([scope, value], ["user", "de-CH"]);
});

Deno.test("explain names no language where a template has none, and none for sockets", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  using _listener = await listen(service.host, { session: await service.mint() });
  await service.subscribe({ client: "app", transport: "gcm", token: "t", locale: "de" });
  const { targets } = await explained(service, QUERY);
  assert.equal(targets.length, 2);
  for (const { language } of targets) assert.equal(language, undefined);
});

Deno.test("explain names the time until which a phone waits for a socket, also for one transport", async () => {
  await using gcm = new FakeGcm();
  await using service = await startAtNoon(gcm);
  const phone = async (more: string) =>
    (await explained(service, `${QUERY}&escalate=90&transport=gcm${more}`)).targets[0];
  assert.equal((await phone("")).held, undefined);
  using _listener = await listen(service.host, { session: await service.mint() });
  const waits = (at: string) => ({ reason: "escalation", until: `2026-06-0${at}.000Z` });
  assert.deepEqual((await phone("")).held, waits("1T12:01:30"));
  assert.deepEqual((await phone("&deliverAt=08:00")).held, waits("2T08:01:30"));
});

Deno.test("explain shows a message of quiet hours as silent, and the time zone that decides", async () => {
  await using gcm = new FakeGcm();
  await using service = await startAtNoon(gcm, {
    [`${QUIET}.times`]: "20:00-22:00",
    [`${QUIET}.action`]: "silent",
    "io.carillon.timeZone": "Asia/Tokyo",
  });
  const { targets: [target] } = await explained(service, QUERY);
  assert.deepEqual(target.quiet, { action: "silent", until: "2026-06-01T13:00:00.000Z" });
  assert.deepEqual([target.send, target.message.silent], [true, true]);
  assert.equal(decisive(target, "io.carillon.timeZone").value, "Asia/Tokyo");
});

Deno.test("explain tells what would happen at a later time, in the user's time zone", async () => {
  await using gcm = new FakeGcm();
  await using service = await startAtNoon(gcm, {
    [`${QUIET}.times`]: "22:00-07:00",
    "io.carillon.timeZone": "Europe/Berlin",
  });
  const at = async (deliverAt: string) => {
    const query = `${QUERY}&deliverAt=${encodeURIComponent(deliverAt)}`;
    const { deliverAt: resolved, targets: [{ held }] } = await explained(service, query);
    return [resolved, held?.until];
  };
  const now = await explained(service, QUERY);
  assert.deepEqual([now.deliverAt, now.withoutData], [undefined, true]);
  assert.deepEqual(await at("23:30"), ["2026-06-01T21:30:00.000Z", "2026-06-02T05:00:00.000Z"]);
  assert.deepEqual(await at("2026-06-03T12:00"), ["2026-06-03T10:00:00.000Z", undefined]);
  assert.deepEqual(await at("2026-06-02T06:00:00+02:00"), [
    ...["2026-06-02T04:00:00.000Z", "2026-06-02T05:00:00.000Z"],
  ]);
  for (const wrong of ["2026-05-01T12:00:00Z", "2026-07-15T12:00", "25:00", "soon"]) {
    const query = `${QUERY}&deliverAt=${encodeURIComponent(wrong)}`;
    assertProblem(await service.call("GET", query), "400 invalid_request");
  }
});

Deno.test("explain of a scheduled notification is of its time, options and message", async () => {
  await using gcm = new FakeGcm();
  await using service = await startAtNoon(gcm);
  using _listener = await listen(service.host, { session: await service.mint() });
  const more = { deliverAt: "2026-06-02T08:00:00Z", escalate: { after: 60 } };
  const [id] = await service.publishAll([more]);
  const body = await explained(service, `/v1/explain?id=${id}&transport=gcm`);
  assert.deepEqual([body.happened.state, body.happened.deliverAt, body.deliverAt], [
    ...["scheduled", "2026-06-02T08:00:00.000Z", "2026-06-02T08:00:00.000Z"],
  ]);
  const [{ message, held }] = body.targets;
  assert.deepEqual([message.title, body.withoutData], ["Jane Doe", undefined]);
  assert.deepEqual(held, { reason: "escalation", until: "2026-06-02T08:01:00.000Z" });
});

Deno.test("explain of a notification to many users says whether a user is among them", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  await service.subscribe({ client: "app", transport: "gcm", token: "t", user: "u4" });
  const users = Array.from({ length: 1_200 }, (_, n) => `u${n}`);
  const answer = await service.call("POST", "/v1/notifications", { body: { ...TO_MANY, users } });
  const id = answer.body.ids[0];
  await until("all are accepted", async () => {
    return (await service.call("GET", `/v1/notifications/${id}`)).body.users.count === 1_200;
  });
  const of = (user: string) => `/v1/explain?id=${id}&user=${user}`;
  const own = await until("it is delivered", async () => {
    const body = await explained(service, of("u4"));
    return body.happened.state === "delivered" && body;
  });
  assert.deepEqual([own.audience.included, own.audience.id], [true, own.happened.id]);
  assert.deepEqual([own.happened.user, own.happened.fanout, own.targets.length], ["u4", id, 1]);
  assert.equal((await explained(service, of("u1199"))).audience.included, true);
  const other = await explained(service, of("nobody"));
  assert.deepEqual(other.audience, { included: false, searched: 1_200 });
  assert.deepEqual([other.happened.id, other.happened.users.count], [id, 1_200]);

  const nameless = await service.call("GET", `/v1/explain?id=${id}`);
  assertProblem(nameless, "400 invalid_request");
  assert.match(nameless.body.detail, /user is needed: the notification is to many users/);
  assertProblem(await service.call("GET", `/v1/explain?id=${ID}&user=u4`), "404 not_found");
});
