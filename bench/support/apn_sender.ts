// deno-lint-ignore-file no-console -- a process of the benchmark talks by its output
/**
 * Carillon's APNs transport under load, as a separate process. Takes its settings as JSON; prints
 * its measurements as one line of JSON, like `peers/node_apn.mjs`.
 */

import { systemClock } from "../../core/clock.ts";
import { createApnTransport } from "../../transports/apn/mod.ts";
import { engineOf } from "./engine_of.ts";
import { closedLoop } from "./closed_loop.mjs";

const { load, address, folder, apns } = JSON.parse(Deno.args[0]!);
const CLIENT = "bench";

await using transport = createApnTransport({
  clock: systemClock,
  engine: engineOf(load.engine),
  createHttpClient: Deno.createHttpClient,
  readFile: (path) => Deno.readFile(path),
  readTextFile: (path) => Deno.readTextFile(path),
});
const faults = await transport.configure(
  new Map([[CLIENT, {
    enabled: true,
    production: true,
    topic: apns.bundleId,
    address,
    cafile: `${folder}/ca.pem`,
    auth: {
      type: "jwt",
      privatekey: `${folder}/apns.p8`,
      keyid: apns.keyId,
      teamid: apns.teamId,
    },
  }]]),
);
if (faults.length > 0) throw new Error(faults[0]!.message);

const signal = new AbortController().signal;
const target = {
  context: "1",
  user: "3",
  client: CLIENT,
  transport: "apn",
  refreshedAt: 0,
} as const;
const inFlight = transport.traits.maxConcurrent;
const result = await closedLoop({ ...load, inFlight }, async (index: number) => {
  const outcome = await transport.send(
    { ...target, token: index.toString(16).padStart(64, "0") },
    {
      id: `00000000-0000-7000-8000-${String(index).padStart(12, "0")}`,
      topic: "ox:mail:new",
      priority: "high",
      silent: false,
      title: "Jane Doe",
      body: "Let us meet\nHello",
      badge: 83,
      sound: "default",
      thread: "default0/INBOX",
      data: { folder: "default0/INBOX", id: String(index) },
    },
    signal,
  );
  return outcome.kind === "sent";
});
console.log(JSON.stringify(result));
Deno.exit(0);
