// deno-lint-ignore-file no-console -- a process of the benchmark talks by its output
/**
 * The test server of the provider benchmarks: answers 200 to every push, as APNs on one port and as
 * FCM on the other, and does nothing else, so that it is not the bottleneck. A separate process;
 * takes a file with its certificate and key as JSON. Prints its ports, and answers lines: `latency
 * <ms>`, `outage on|off` (APNs answers 503 meanwhile), `count` (pushes answered with 200).
 */

import { type PeerRequest, startH2Peer } from "../../tests/support/h2_peer.ts";
import { lines } from "./ws_swarm.ts";

const { cert, key } = JSON.parse(await Deno.readTextFile(Deno.env.get("PUSH_PEER_PAIR")!));
/** The limits of concurrent streams per connection of Apple and of Google. */
const APNS_STREAMS = 1000;
const FCM_STREAMS = 100;
/** A reason that allows a retry after a second; for others Apple requires 15 minutes. */
const OUTAGE = JSON.stringify({ reason: "Shutdown" });
const FCM_YES = JSON.stringify({
  name: "projects/bench/messages/0:1500415314455276%31bd1c96f9fd7ecd",
});

let latencyMs = 0;
let isOut = false;
let count = 0;
/** Delayed responses, oldest first; one timer for all. */
const due: { readonly at: number; readonly run: () => void }[] = [];
let isTimed = false;

function answerLater(run: () => void): void {
  count++;
  if (latencyMs === 0) return run();
  due.push({ at: performance.now() + latencyMs, run });
  if (isTimed) return;
  isTimed = true;
  setTimeout(answerDue, latencyMs);
}

function answerDue(): void {
  const now = performance.now();
  let answered = 0;
  while (answered < due.length && due[answered]!.at <= now) due[answered++]!.run();
  due.splice(0, answered);
  isTimed = due.length > 0;
  if (isTimed) setTimeout(answerDue, Math.max(1, due[0]!.at - now));
}

const common = { cert, key, readsHeaders: false };
await using apns = startH2Peer({
  ...common,
  streams: APNS_STREAMS,
  onRequest({ answer }: PeerRequest) {
    if (isOut) answer(503, OUTAGE);
    else answerLater(() => answer(200));
  },
});
await using fcm = startH2Peer({
  ...common,
  streams: FCM_STREAMS,
  onRequest: ({ answer }: PeerRequest) => answerLater(() => answer(200, FCM_YES)),
});
console.log(JSON.stringify({ apns: apns.origin, fcm: fcm.origin }));
for await (const line of lines(Deno.stdin.readable)) {
  const [command, value] = line.split(" ");
  if (command === "latency") latencyMs = Number(value);
  if (command === "outage") isOut = value === "on";
  console.log(command === "count" ? String(count) : "ok");
}
