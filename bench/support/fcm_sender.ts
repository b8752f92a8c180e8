// deno-lint-ignore-file no-console -- a process of the benchmark talks by its output
/** Carillon's FCM transport under load, as a separate process, like `peers/firebase_admin.mjs`. */

import { systemClock } from "../../core/clock.ts";
import { createGcmTransport } from "../../transports/gcm/mod.ts";
import { engineOf } from "./engine_of.ts";
import { closedLoop } from "./closed_loop.mjs";

const { load, address, folder, tokenAddress } = JSON.parse(Deno.args[0]!);
const CLIENT = "bench";

await using transport = createGcmTransport({
  clock: systemClock,
  engine: engineOf(load.engine),
  fetch,
  createHttpClient: Deno.createHttpClient,
  readTextFile: (path) => Deno.readTextFile(path),
});
const faults = await transport.configure(
  new Map([[CLIENT, {
    serviceaccount: `${folder}/service-account.json`,
    address,
    tokenaddress: tokenAddress,
    cafile: `${folder}/ca.pem`,
  }]]),
);
if (faults.length > 0) throw new Error(faults[0]!.message);

const { signal } = new AbortController();
const target = {
  ...{ context: "1", user: "3", client: CLIENT, transport: "gcm", refreshedAt: 0 } as const,
};
const result = await closedLoop(load, async (index: number) => {
  const outcome = await transport.send(
    { ...target, token: `device-${index}:APA91b${"x".repeat(130)}` },
    {
      id: `00000000-0000-7000-8000-${String(index).padStart(12, "0")}`,
      topic: "ox:mail:new",
      priority: "high",
      silent: false,
      title: "Jane Doe",
      body: "Let us meet\nHello",
      data: { folder: "default0/INBOX", id: String(index) },
    },
    signal,
  );
  return outcome.kind === "sent";
});
console.log(JSON.stringify(result));
Deno.exit(0);
