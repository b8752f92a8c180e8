/** Bodies that take too long, by a client that writes bytes and a clock that a test moves. */

import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import { BodyDeadline } from "../../core/body_deadline.ts";
import { Api, assertProblem, NEW_MAIL } from "../support/api.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { freePort } from "../support/free_port.ts";
import { connectRaw } from "../support/raw_http.ts";
import { ADMIN_KEY, startTestService, type TestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";

const TIMEOUT = "io.carillon.http.bodyTimeout";
const KEY = `authorization: Bearer ${ADMIN_KEY}\r\n`;
const LENGTH = "content-length: 100\r\n\r\n{";
const CHUNKED = "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n";

interface Drip {
  /** Method and path. */
  readonly line: string;
  readonly headers?: string;
  /** The framing and the first byte. */
  readonly begin: string;
}

/** Sends the beginning of a request, lets time pass once it is read, and returns the answer. */
async function drip(port: number, clock: FakeClock, { line, headers = KEY, begin }: Drip) {
  await clock.advance(5_000); // the timer of bodies before it runs out
  using peer = await connectRaw(port);
  const timers = clock.timers;
  const head = `${line} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;
  await peer.write(head + headers + begin);
  await until("the body is awaited", () => clock.timers > timers);
  await clock.advance(5_000);
  const { status, head: answered, body } = await peer.answer();
  assert.match(answered, /^content-type: application\/problem\+json/m);
  const { code, detail } = JSON.parse(body);
  return { status, code, detail };
}

async function start(clock: FakeClock, more: Readonly<Record<string, number>> = {}) {
  return await startTestService({ clock, properties: { [TIMEOUT]: 5_000, ...more } });
}

function assertLate(answer: { readonly status: number; readonly code: string }): void {
  assert.deepEqual([answer.status, answer.code], [408, "request_timeout"]);
}

const LINES = [
  "POST /v1/notifications",
  "POST /v1/subscriptions",
  "POST /v1/sessions",
  "POST /v1/keys",
  "PUT /v1/contexts/1/config",
  "POST /v1/dead-letters/replay",
];

for (const [framing, begin] of [["known", LENGTH], ["unknown", CHUNKED]] as const) {
  Deno.test(`a body of ${framing} length that does not arrive in time is answered with 408`, async () => {
    const clock = new FakeClock();
    await using service = await start(clock);
    for (const line of LINES) assertLate(await drip(service.port, clock, { line, begin }));
    assert.ok(!service.log.join("").includes("failed unexpectedly"));
  });
}

Deno.test("a body of unknown length has a deadline even without a credential", async () => {
  const clock = new FakeClock();
  await using service = await start(clock);
  for (const line of ["POST /v1/notifications", "POST /v1/nope"]) {
    assertLate(await drip(service.port, clock, { line, headers: "", begin: CHUNKED }));
  }
});

Deno.test("a body that does not arrive in time is late at the internal listener too", async () => {
  const clock = new FakeClock();
  const port = freePort();
  await using _service = await start(clock, { "io.carillon.internal.port": port });
  assertLate(await drip(port, clock, { line: "POST /v1/admin/reload", begin: CHUNKED }));
});

Deno.test("a long-polling post that does not arrive in time is answered with 408 and ends its session", async () => {
  const clock = new FakeClock();
  await using service = await start(clock);
  const path = `/socket.io/appsuite/?EIO=3&transport=polling`;
  const session = await service.mint();
  const opened = await service.call("GET", `${path}&session=${session}`, { key: null });
  const { sid } = JSON.parse(/\{.*?\}/.exec(opened.text)![0]);
  const line = `POST ${path}&sid=${sid}`;
  assertLate(await drip(service.port, clock, { line, headers: "", begin: LENGTH }));
  const { status } = await service.call("GET", `${path}&sid=${sid}`, { key: null });
  assert.equal(status, 400);
});

Deno.test("the original's clients hear of a late body in their own envelope", async () => {
  const clock = new FakeClock();
  await using service = await start(clock);
  const session = await service.mint();
  await clock.advance(5_000);
  using peer = await connectRaw(service.port);
  const timers = clock.timers;
  const line = `PUT /ajax/pns?action=subscribe&session=${session} HTTP/1.1\r\nhost: localhost\r\n`;
  await peer.write(`${line}content-type: application/json\r\n${LENGTH}`);
  await until("the body is awaited", () => clock.timers > timers);
  await clock.advance(5_000);
  const { status, body } = await peer.answer();
  assert.deepEqual([status, JSON.parse(body).code], [200, "SVL-0010"]);
});

Deno.test("a deadline that a reload changes holds for the next body", async () => {
  const clock = new FakeClock();
  await using service = await start(clock, { [TIMEOUT]: 60_000 });
  await changeTimeout(service, 5_000);
  await clock.advance(60_000);
  assertLate(await drip(service.port, clock, { line: "POST /v1/keys", begin: LENGTH }));
});

async function changeTimeout(service: TestService, ms: number): Promise<void> {
  await service.configure("other.properties", `${TIMEOUT}=${ms}\n`);
  const text = await Deno.readTextFile(`${service.configDir}/test.properties`);
  await service.configure("test.properties", text.replace(/^io\.carillon\.http\.body.*\n/m, ""));
  assert.equal((await service.call("POST", "/v1/admin/reload")).status, 200);
}

Deno.test("a body that arrives in time is read, and leaves a timer that runs out", async () => {
  const clock = new FakeClock();
  await using service = await start(clock);
  const timers = clock.timers;
  const api = new Api(service.address, ADMIN_KEY);
  const answer = await api.call("POST", "/v1/keys", { body: NEW_MAIL });
  assertProblem(answer, "400 invalid_request");
  await clock.advance(5_000);
  assert.equal(clock.timers, timers);
});

Deno.test("each body has its own deadline, and none is given up before it", async () => {
  const clock = new FakeClock();
  const deadline = new BodyDeadline({ clock, bodyTimeoutMs: () => 1_000 });
  const given: string[] = [];
  const read = (name: string, reading: Promise<string>) =>
    deadline.inTime(reading).then(
      (value) => given.push(`${name} ${value}`),
      (thrown) => given.push(`${name} ${thrown instanceof ServiceError ? thrown.code : thrown}`),
    );
  const never = Promise.withResolvers<string>();
  const late = Promise.withResolvers<string>();
  void read("first", never.promise);
  await clock.advance(600);
  void read("second", late.promise);
  await clock.advance(399);
  assert.deepEqual(given, []);
  await clock.advance(1);
  assert.deepEqual(given, ["first request_timeout"]);
  late.resolve("read");
  await settle();
  assert.deepEqual(given, ["first request_timeout", "second read"]);
  assert.equal(clock.timers, 1, "one for all, which runs out by itself");
  await clock.advance(1_000);
  assert.equal(clock.timers, 0);
});

Deno.test("a shorter deadline does not wait for longer ones", async () => {
  const clock = new FakeClock();
  let bodyTimeoutMs = 60_000;
  const deadline = new BodyDeadline({ clock, bodyTimeoutMs: () => bodyTimeoutMs });
  const never = new Promise<string>(() => {});
  const long = assert.rejects(deadline.inTime(never), {
    code: "request_timeout",
    message: /within \d+ ms$/,
  });
  bodyTimeoutMs = 1_000;
  const short = assert.rejects(deadline.inTime(never), { code: "request_timeout" });
  await clock.advance(1_000);
  await short;
  await clock.advance(59_000);
  await long;
});

Deno.test("what reading throws is thrown on, and after its deadline dropped", async () => {
  const clock = new FakeClock();
  const deadline = new BodyDeadline({ clock, bodyTimeoutMs: () => 1_000 });
  await assert.rejects(deadline.inTime(Promise.reject(new Error("broke"))), /broke/);
  const broken = Promise.withResolvers<string>();
  const late = deadline.inTime(broken.promise);
  const refused = assert.rejects(late, { code: "request_timeout" });
  await clock.advance(1_000);
  await refused;
  broken.reject(new Error("much later"));
  await settle();
  await clock.advance(1_000);
  assert.equal(clock.timers, 0);
});
