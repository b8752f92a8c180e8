// deno-lint-ignore-file no-console -- a process of the benchmark talks by its output
/** The HTTP/2 engine alone: POSTs in the format of APNs, without rendering, signing or outcomes. */

import { systemClock } from "../../core/clock.ts";
import { createHttp2Engine } from "../../transports/http2/mod.ts";
import { closedLoop } from "./closed_loop.mjs";
import { BODY, headersOf } from "./apns_request.mjs";

const { load, address, folder } = JSON.parse(Deno.args[0]!);
const { createHttpClient } = Deno;
const sender = createHttp2Engine({ runtime: Deno, createHttpClient, clock: systemClock }).open({
  origin: address,
  caCerts: [await Deno.readTextFile(`${folder}/ca.pem`)],
  timeoutMs: 10_000,
});
const { signal } = new AbortController();

const result = await closedLoop(load, async (index: number) => {
  const reply = await sender.post(`${address}/3/device/${index.toString(16).padStart(64, "0")}`, {
    headers: headersOf(index),
    body: BODY,
    signal,
    ignoreSuccessBody: true,
  });
  return reply.kind === "reply" && reply.status === 200;
});
console.log(JSON.stringify(result));
Deno.exit(0);
