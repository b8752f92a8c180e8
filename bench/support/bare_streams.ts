/**
 * The floor of streams: server-sent events with nothing but a first message and a comment every 25
 * seconds, over `Deno.serve`, or over Node's `http` on Deno where `STREAMS_BY` is `node:http`.
 * `emit <rounds> <json>` sends an event to every stream that many times.
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { lines } from "./ws_swarm.ts";

const READY = "event: ready\ndata: {}\n\n";
const HEARTBEAT = ":\n\n";
const HEADERS = { "content-type": "text/event-stream", "cache-control": "no-store, no-transform" };
const encoder = new TextEncoder();
const sends: ((text: string) => void)[] = [];

if (Deno.env.get("STREAMS_BY") === "node:http") serveByNode();
else serveByDeno();
setInterval(() => {
  for (const send of sends) send(HEARTBEAT);
}, 25_000);

for await (const line of lines(Deno.stdin.readable)) {
  const [, rounds, ...json] = line.split(" ");
  for (let round = 0; round < Number(rounds); round++) {
    const at = performance.timeOrigin + performance.now();
    const data = JSON.stringify({ ...JSON.parse(json.join(" ")), at });
    const id = round.toString().padStart(16, "0");
    const text = `id: ${id}\ndata: {"topic":"ox:mail:new","data":${data}}\n\n`;
    for (const send of sends) send(text);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  print("done");
}

function serveByDeno(): void {
  const onListen = ({ port }: Deno.NetAddr) => print(port);
  Deno.serve({ port: 0, hostname: "127.0.0.1", onListen }, () => {
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        controller.enqueue(encoder.encode(READY));
        sends.push((text) => controller.enqueue(encoder.encode(text)));
      },
    }, { highWaterMark: 0 });
    return new Response(body, { headers: HEADERS });
  });
}

function serveByNode(): void {
  const server = createServer((_request, response) => {
    response.writeHead(200, HEADERS);
    response.write(READY);
    sends.push((text) => response.write(text));
  });
  server.listen(0, "127.0.0.1", () => print((server.address() as AddressInfo).port));
}

function print(value: unknown): void {
  Deno.stdout.writeSync(encoder.encode(`${value}\n`));
}
