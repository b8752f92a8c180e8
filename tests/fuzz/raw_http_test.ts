/**
 * Bytes on a connection that are nearly HTTP. The runtime answers most of them by itself or hangs
 * up; what matters is that no connection stays and that others are served.
 */

import assert from "node:assert/strict";
import { NEW_MAIL } from "../support/api.ts";
import { startTestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";
import { spoiledBytes } from "./_bodies.ts";
import { type Dice, fuzz } from "./_fuzz.ts";

const CASES = 1_500;

const LINES = ["transfer-encoding: chunked", "content-length: 5", "content-length: -1"]
  .concat("content-length: 1e9", "content-length: 99999999999999999999", "host: a, b", "host:")
  .concat("transfer-encoding: gzip, chunked", "upgrade: h2c", "connection: upgrade, close")
  .concat("expect: 100-continue", " folded: line", ": empty", "a\u0000b: c", "x: \r y", "no colon")
  .concat(`x: ${"y".repeat(20_000)}`, ...Array(3).fill("authorization: Bearer x"));
const TARGETS = [
  "*",
  "http://evil.example/v1/notifications",
  "//x",
  "/%",
  "/a b",
  "evil.example:443",
]
  .concat("/v1/notifications?\u00ff", `/${"a".repeat(9_000)}`, "/socket.io/?EIO=4", "\\", "?", "");
const VERSIONS = ["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.1 ", "http/1.1", "", "ICAP/1.0"];

const encoder = new TextEncoder();
const decoder = new TextDecoder();

Deno.test("bytes that are nearly HTTP leave no connection behind, and nothing breaks", async () => {
  await using service = await startTestService();
  const { port, host, adminKey } = service;
  const statuses = new Map<number, number>();
  await fuzz({ cases: CASES, atOnce: 8 }, async (dice) => {
    const isSound = dice.chance(0.05);
    const text = isSound
      ? soundRequest({ host, key: adminKey })
      : requestText(dice, { host, key: adminKey });
    const bytes = !isSound && dice.chance(0.5)
      ? spoiledBytes(encoder.encode(text), dice)
      : encoder.encode(text);
    const answer = await converse(port, bytes, { halfCloses: !isSound });
    const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(answer)?.[1] ?? 0);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    const what = `${answer.slice(0, 300)}\n${decoder.decode(bytes.subarray(0, 500))}`;
    assert.ok(answer === "" || (status >= 100 && status < 500) || status === 505, what);
  });
  assert.ok((statuses.get(202) ?? 0) > 20, JSON.stringify([...statuses]));
  assert.deepEqual(service.log.filter((line) => line.includes("failed unexpectedly")), []);
  await service.publish();
});

function requestText(dice: Dice, { host, key }: { readonly host: string; readonly key: string }) {
  const body = JSON.stringify(NEW_MAIL);
  const lines = [`host: ${host}`, `authorization: Bearer ${key}`, "content-type: application/json"]
    .concat(`content-length: ${body.length}`);
  for (let n = dice.below(3); n > 0; n--) {
    lines.splice(dice.below(lines.length), dice.below(2), dice.pick(LINES));
  }
  const target = dice.chance(0.8) ? "/v1/notifications" : dice.pick(TARGETS);
  const version = dice.chance(0.9) ? "HTTP/1.1" : dice.pick(VERSIONS);
  const end = dice.chance(0.9) ? "\r\n" : dice.pick(["\n", "\r", "\r\n\r\n"]);
  return [`POST ${target} ${version}`, ...lines, "", body].join(end);
}

/** A request whose answer ends the connection. */
function soundRequest({ host, key }: { readonly host: string; readonly key: string }): string {
  const body = JSON.stringify(NEW_MAIL);
  return [`POST /v1/notifications HTTP/1.1`, `host: ${host}`, `authorization: Bearer ${key}`]
    .concat("content-type: application/json", `content-length: ${body.length}`)
    .concat("connection: close", "", body).join("\r\n");
}

/**
 * Returns everything until the server closes the connection. Half-closing ends requests that are
 * not whole; the runtime does not answer a whole one then, unless it is very quick.
 */
async function converse(
  port: number,
  bytes: Uint8Array,
  { halfCloses }: { readonly halfCloses: boolean },
): Promise<string> {
  using peer = await Deno.connect({ hostname: "127.0.0.1", port });
  const received: Uint8Array[] = [];
  let ended = false;
  async function read(): Promise<void> {
    const chunk = new Uint8Array(16_384);
    try {
      for (let count; (count = await peer.read(chunk)) !== null;) {
        received.push(chunk.slice(0, count));
      }
    } catch { /* it was reset, which is an end too */ }
    ended = true;
  }
  const reading = read();
  try {
    for (let sent = 0; sent < bytes.length;) sent += await peer.write(bytes.subarray(sent));
    if (halfCloses) await peer.closeWrite();
  } catch { /* it hung up before it had read everything */ }
  await until("the far side hangs up", () => ended);
  await reading;
  return received.map((each) => decoder.decode(each)).join("");
}
