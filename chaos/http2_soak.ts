/**
 * Runs the HTTP/2 engine against a server with all kinds of faults, planned from a seed: resets,
 * refusals, GOAWAYs, dropped connections, stalls, shrinking stream limits, and requests that are
 * never answered. Counts the result of each request on both sides.
 */

import { systemClock } from "../core/clock.ts";
import { Deadlines } from "../core/deadlines.ts";
import { type PeerRequest, startH2Peer } from "../tests/support/h2_peer.ts";
import { seeded } from "../tests/support/seeded.ts";
import type { KeyPair } from "../tests/support/certificate.ts";
import type { HttpResult } from "../transports/http/mod.ts";
import { ERROR } from "../transports/http2/frames.ts";
import { createHttp2Engine } from "../transports/http2/mod.ts";

interface Http2SoakOptions {
  readonly seed: number;
  readonly requests: number;
  /** Concurrent requests. */
  readonly workers: number;
  /** The server's self-signed certificate. */
  readonly pair: KeyPair;
}

interface Http2SoakReport {
  /** Requests by their result: `200`, or the fault. */
  readonly results: Readonly<Record<string, number>>;
  /** Faults of the server, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  readonly connections: number;
  /** The sum of all results; equals the number of requests. */
  readonly resolved: number;
  /** Requests that the server answered more than once. */
  readonly answeredTwice: number;
  /** Requests reported as not processed although the server answered them. */
  readonly wronglyUnsent: number;
  /** Requests with a response that the server did not send. */
  readonly invented: number;
  /** MiB of used heap after a third of the requests and after all. */
  readonly heap: readonly [early: number, late: number];
}

const TIMEOUT_MS = 1000;
const SILENCE_MS = 250;
const CALLER_MS = 700;
const STREAMS = 100;

/** One in so many requests has this fault. */
const FAULTS: readonly (readonly [kind: string, oneIn: number])[] = [
  ["refuse", 100],
  ["reset", 100],
  ["ignore", 400],
  ["late", 20],
  ["limit", 2000],
  ["goaway", 3000],
  ["drop", 5000],
  ["stall", 20_000],
];

/** Runs until every request has a result. */
export async function soakHttp2(
  { seed, requests, workers, pair }: Http2SoakOptions,
): Promise<Http2SoakReport> {
  const random = seeded(seed);
  const answered = new Uint8Array(requests);
  const faults: Record<string, number> = {};
  const results: Record<string, number> = {};
  let answeredTwice = 0;
  let wronglyUnsent = 0;
  let invented = 0;

  function answer(request: PeerRequest, index: number): void {
    if (answered[index]!++ > 0) answeredTwice++;
    request.answer(200);
  }

  function onRequest(request: PeerRequest): void {
    const { headers, connection, stream, reset } = request;
    const index = Number(headers[headers.indexOf("x-index") + 1]);
    const kind = FAULTS.find(([, oneIn]) => random() * oneIn < 1)?.[0];
    if (kind !== undefined) faults[kind] = (faults[kind] ?? 0) + 1;
    switch (kind) {
      case "refuse":
        return reset(ERROR.REFUSED_STREAM);
      case "reset":
        return reset(ERROR.PROTOCOL_ERROR);
      case "ignore":
        return;
      case "late":
        return void setTimeout(() => answer(request, index), random() * 20);
      case "limit":
        connection.limitStreams(1 + Math.floor(random() * STREAMS));
        return answer(request, index);
      case "goaway":
        // GOAWAY: this stream and earlier ones are answered unless another fault affects them.
        connection.goAway(stream, random() < 0.5 ? ERROR.NO_ERROR : ERROR.PROTOCOL_ERROR);
        answer(request, index);
        return void setTimeout(() => connection.destroy(), 50);
      case "drop":
        return connection.destroy();
      case "stall":
        connection.stall(100 + random() * 900);
        return answer(request, index);
      default:
        return answer(request, index);
    }
  }

  await using peer = startH2Peer({ ...pair, streams: STREAMS, readsHeaders: true, onRequest });
  await using sender = createHttp2Engine({
    runtime: Deno,
    createHttpClient: Deno.createHttpClient,
    clock: systemClock,
    silenceMs: SILENCE_MS,
    maxConnections: Math.ceil(workers / STREAMS),
  }).open({ origin: peer.origin, caCerts: [pair.cert], timeoutMs: TIMEOUT_MS });

  function judge(index: number, result: HttpResult): void {
    const name = result.kind === "reply" ? String(result.status) : result.fault;
    results[name] = (results[name] ?? 0) + 1;
    if (result.kind === "reply" && answered[index] === 0) invented++;
    if (result.kind === "failed" && result.sent === "no" && answered[index]! > 0) wronglyUnsent++;
  }

  const deadlines = new Deadlines(systemClock);
  let next = 0;
  let early = 0;

  async function work(): Promise<void> {
    while (next < requests) {
      const index = next++;
      if (index === Math.floor(requests / 3)) early = heapMiB();
      const deadline = deadlines.start(index % 10 === 0 ? CALLER_MS : 2 * TIMEOUT_MS);
      const result = await sender.post(`${peer.origin}/3/device/${index}`, {
        headers: { "x-index": String(index) },
        body: "x".repeat(200 + index % 1000),
        signal: deadline.signal,
      });
      deadlines.end(deadline);
      judge(index, result);
    }
  }

  await Promise.all(Array.from({ length: workers }, work));
  const resolved = Object.values(results).reduce((sum, count) => sum + count, 0);
  const counts = { answeredTwice, wronglyUnsent, invented };
  return {
    ...{ results, faults, connections: peer.connections, resolved, ...counts },
    heap: [early, heapMiB()],
  };
}

/** Measures after a garbage collection, where the process may request one. */
function heapMiB(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return Math.round(Deno.memoryUsage().heapUsed / 1024 / 1024);
}
