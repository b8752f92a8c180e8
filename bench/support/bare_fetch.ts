// deno-lint-ignore-file no-console -- a process of the benchmark talks by its output
/**
 * The floor of `fetch`: POSTs in the format of APNs over a few HTTP clients. Takes its settings as
 * JSON: `cancels` (bodies are cancelled instead of read), `timers` (a controller and a timer for
 * each request).
 */

import { closedLoop } from "./closed_loop.mjs";
import { BODY, headersOf } from "./apns_request.mjs";

const { load, address, folder, cancels, timers } = JSON.parse(Deno.args[0]!);
const caCerts = [await Deno.readTextFile(`${folder}/ca.pem`)];
const clients = Array.from(
  { length: load.connections },
  () => Deno.createHttpClient({ caCerts, http1: false, poolIdleTimeout: false }),
);

const result = await closedLoop(load, async (index: number) => {
  const abort = timers ? new AbortController() : undefined;
  const timer = abort && setTimeout(() => abort.abort(), 10_000);
  const response = await fetch(`${address}/3/device/${index.toString(16).padStart(64, "0")}`, {
    method: "POST",
    headers: headersOf(index),
    body: BODY,
    client: clients[index % clients.length]!,
    redirect: "manual",
    ...abort && { signal: abort.signal },
  });
  if (cancels) await response.body?.cancel();
  else await response.text();
  clearTimeout(timer);
  return response.ok;
});
console.log(JSON.stringify(result));
Deno.exit(0);
