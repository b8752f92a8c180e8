// deno-lint-ignore-file no-console -- a process of the benchmark talks by its output
/**
 * Carillon's Web Push transport as a separate process, which sends, or uses a `fetch` that answers
 * 201 at once: then it does everything but networking. Takes its settings as JSON; prints its
 * measurements as one line of JSON, like `peers/web_push_node.mjs`.
 */

import { systemClock } from "../../core/clock.ts";
import { createWebPushTransport } from "../../transports/webpush/mod.ts";
import { closedLoop } from "./closed_loop.mjs";

const { load, subscription, vapid, payload, cafile } = JSON.parse(Deno.args[0]!);
const CLIENT = "bench";

await using transport = createWebPushTransport({
  clock: systemClock,
  fetch: load.sends ? fetch : () => Promise.resolve(new Response(null, { status: 201 })),
  createHttpClient: Deno.createHttpClient,
  readTextFile: (path) => Deno.readTextFile(path),
  resolve: () => Promise.resolve([]),
});
const faults = await transport.configure(
  new Map([[CLIENT, {
    enabled: true,
    publickey: vapid.publicKey,
    privatekey: vapid.privateKey,
    subject: "mailto:push@example.com",
    cafile,
    hosts: [new URL(subscription.endpoint).host],
  }]]),
);
if (faults.length > 0) throw new Error(faults[0]!.message);

const signal = new AbortController().signal;
const target = {
  ...{ context: "1", user: "3", client: CLIENT, transport: "webpush", refreshedAt: 0 } as const,
  token: transport.parseAddress(CLIENT, subscription),
};
const result = await closedLoop(load, async (index: number) => {
  const outcome = await transport.send(target, {
    id: `00000000-0000-7000-8000-${String(index).padStart(12, "0")}`,
    topic: "ox:mail:new",
    priority: "high",
    silent: false,
    title: "Jane Doe",
    body: payload,
    data: { folder: "default0/INBOX", id: String(index) },
  }, signal);
  return outcome.kind === "sent";
});
console.log(JSON.stringify(result));
Deno.exit(0);
