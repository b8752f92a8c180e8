// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * `deno task simulate:middleware`: the mock Open-Xchange middleware as a command. `--port` (9200),
 * `--host`, `--service` (where this service listens, `http://127.0.0.1:8080`), `--secret` and
 * `--signature-secret` (what its webhooks come with and are signed with), `--id` of the webhook.
 */

import { parseArgs } from "node:util";
import { stopSignal } from "./command.ts";
import { startMiddleware } from "./middleware/mod.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    port: { type: "string", default: "9200" },
    host: { type: "string", default: "127.0.0.1" },
    service: { type: "string", default: "http://127.0.0.1:8080" },
    secret: { type: "string", default: "the-secret-of-the-simulator" },
    "signature-secret": { type: "string", default: "da39a3ee5e6b4b" },
    id: { type: "string", default: "switchboard" },
  },
});
if (!/^\d{1,5}$/.test(values.port)) {
  console.error(`--port must be a port number: received '${values.port}'`);
  Deno.exit(2);
}
const middleware = startMiddleware({
  ...{ fetch, hostname: values.host, port: Number(values.port) },
  webhook: {
    id: values.id,
    uri: `${values.service.replace(/\/+$/, "")}/v1/open-xchange/webhook`,
    webhookSecret: values.secret,
    signatureSecret: values["signature-secret"],
  },
});
console.log(`Mock middleware: ${middleware.url}
Settings of the service that it works with:
  io.carillon.openxchange.middleware.url=${middleware.url}
  io.carillon.openxchange.webhook.secrets=${values.secret}
  io.carillon.openxchange.webhook.signatureSecrets=${values["signature-secret"]}
Log in:   curl -X POST ${middleware.origin}/control/login -d '{"user":3,"context":1}'
A mail:   curl -X POST ${middleware.origin}/control/event -d '{"data":{"folder":"default0/INBOX"}}'
A fault:  curl -X POST ${middleware.origin}/control/fault -d '{"fault":"hang"}'`);

await stopSignal();
await middleware[Symbol.asyncDispose]();
Deno.exit(0);
