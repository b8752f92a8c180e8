/** A publish as it is read: its bytes, its numbers, its length, and what is counted of it. */

import assert from "node:assert/strict";
import { assertProblem, NEW_MAIL } from "../support/api.ts";
import { listen } from "../support/listener.ts";
import { startTestService } from "../support/start_service.ts";

const PATH = "/v1/notifications";

function written(data: string): string {
  return `{"context":"1","user":"3","topic":"ox:mail:new","data":${data}}`;
}

/** A body of unknown length. */
function streamed(text: string): ReadableStream<Uint8Array> {
  return new Blob([text]).stream();
}

Deno.test("data arrive at a socket as they were written, but for white space", async () => {
  await using service = await startTestService();
  using socket = await listen(service.host, { session: await service.mint() });
  const texts = [
    '{"n":12345678901234567890,"e":1e400,"z":-0,"f":1.10}',
    '{"half":"\\ud800","letter":"\\u0041","slash":"\\/"}',
    '{"twice":1,"twice":2}',
    '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  ];
  for (const text of texts) {
    const answer = await service.call("POST", PATH, { body: written(text) });
    assert.equal(answer.status, 202, answer.text);
  }
  const spaced = ' { "a b" : [ 1 ,\n2 ] ,\t"c" : "d  e" } ';
  await service.call("POST", PATH, { body: ` ${written(spaced)}\n` });
  await socket.received(texts.length + 1);
  assert.deepEqual(
    new Set(socket.frames),
    new Set([...texts, '{"a b":[1,2],"c":"d  e"}'].map((text) => `42["ox:mail:new",${text}]`)),
  );
  assert.equal((Object.prototype as { polluted?: unknown }).polluted, undefined);
});

Deno.test("a body that is no UTF-8 is refused", async () => {
  await using service = await startTestService();
  const [before, after] = written('{"a":"?"}').split("?").map((part) =>
    new TextEncoder().encode(part)
  );
  for (const odd of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf]]) {
    const body = new Blob([before!, new Uint8Array(odd), after!]);
    const response = await fetch(`${service.address}${PATH}`, {
      method: "POST",
      headers: {
        "authorization": `Bearer ${service.adminKey}`,
        "content-type": "application/json",
      },
      body: await body.arrayBuffer(),
    });
    const problem = await response.json();
    assert.deepEqual([response.status, problem.code], [400, "invalid_request"]);
    assert.match(problem.detail, /UTF-8/);
  }
});

Deno.test("a body of unknown length is read up to the limit, and counted as any other", async () => {
  await using service = await startTestService();
  const body = JSON.stringify(NEW_MAIL);
  for (const given of [body, streamed(body)]) {
    const answer = await service.call("POST", PATH, { body: given });
    assert.equal(answer.status, 202, answer.text);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    assert.match(answer.headers.get("content-type")!, /^application\/json/);
  }
  const long = streamed(written(`{"text":"${"x".repeat(800_000)}"}`));
  assertProblem(await service.call("POST", PATH, { body: long }), "413 payload_too_large");
  assertProblem(await service.call("POST", PATH, { body: "{}" }), "400 invalid_request");
  assertProblem(await service.call("POST", PATH, { body, key: null }), "401 unauthenticated");
  const { text } = await service.call("GET", "/metrics");
  const counted = (status: number) =>
    new RegExp(
      `^carillon_http_requests_total\\{route="/v1/notifications",method="POST",status="${status}"\\} (\\d+)$`,
      "m",
    ).exec(text)?.[1];
  assert.deepEqual([202, 400, 401].map(counted), ["2", "1", "1"]);
});

Deno.test("lists that are nested 65,535 deep are refused without a crash", async () => {
  await using service = await startTestService();
  const deep = `{"a":${"[".repeat(65_535)}${"]".repeat(65_535)}}`;
  assertProblem(await service.call("POST", PATH, { body: written(deep) }), "400 invalid_request");
  const broken = `{"a":${"[".repeat(65_535)}`;
  assertProblem(await service.call("POST", PATH, { body: written(broken) }), "400 invalid_request");
  assert.equal((await service.call("POST", PATH, { body: NEW_MAIL })).status, 202);
});
