// deno-lint-ignore-file no-console -- a start answers on the terminal
/**
 * The process: reads the environment, starts the service, reloads it on SIGHUP, drains it on SIGTERM
 * and stops it on SIGINT. It contains no rule of the service.
 */

import { systemClock } from "./core/clock.ts";
import { createYieldToEventLoop } from "./core/event_loop.ts";
import { messageOf, ServiceError } from "./core/errors.ts";
import { readEnvironment } from "./service/environment.ts";
import { type Service, startService } from "./service/start.ts";

/** A stop that takes longer is cut off; the log has every notification that was accepted. */
const STOP_WITHIN_MS = 25_000;
/** `EX_CONFIG` of sysexits: a supervisor must not start it again before an operator has acted. */
const EXIT_NEEDS_OPERATOR = 78;

async function start(): Promise<Service> {
  const variables = Deno.env.toObject();
  try {
    return await startService(readEnvironment(variables), {
      clock: systemClock,
      random: Math.random,
      yieldToEventLoop: createYieldToEventLoop(systemClock),
      variables,
      writeLog,
    });
  } catch (thrown) {
    if (!(thrown instanceof ServiceError)) throw thrown;
    console.error(thrown.message);
    for (const { path, message } of thrown.faults) console.error(`  ${path}: ${message}`);
    Deno.exit(thrown.code === "store_damaged" ? EXIT_NEEDS_OPERATOR : 1);
  }
}

const encoder = new TextEncoder();

function writeLog(line: string): void {
  Deno.stderr.writeSync(encoder.encode(line));
}

/** Ends the process when the service has stopped, and stops the service on signals. */
function endWith(service: Service): void {
  service.left.then(() => Deno.exit(0), (thrown) => {
    console.error(`Cannot stop cleanly: ${messageOf(thrown)}`);
    Deno.exit(1);
  });
  let stopping = false;
  function stop(): void {
    if (stopping) return Deno.exit(1);
    stopping = true;
    setTimeout(() => Deno.exit(1), STOP_WITHIN_MS);
    void service.stop();
  }
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", () => {
    setTimeout(stop, service.drainsWithinMs);
    void service.drain();
  });
}

/** What a first start prints: the key, which is never shown again, and commands to try it with. */
function greeting({ address, key }: { readonly address: string; readonly key: string }): string {
  const url = address === "http://localhost:8080" ? "" : `CARILLON_URL=${address} `;
  const variables = `${url}CARILLON_KEY=${key}`;
  return `
Carillon is listening at ${address}

This first start created an admin key. It is shown once; only its hash is stored:

  ${key}

To see a notification arrive, listen in a second terminal as a user's browser tab would:

  ${variables} npx -y deno@2.9.6 task listen

and publish "new mail" to that user in a third one:

  ${variables} npx -y deno@2.9.6 task publish

or with curl:

  curl ${address}/v1/notifications -H 'authorization: Bearer ${key}' \\
    -H 'content-type: application/json' \\
    -d '{"context":"1","user":"3","topic":"ox:mail:new","data":{"folder":"default0/INBOX","id":"113","email":"jane.doe@foobar.com","displayname":"Jane Doe","subject":"Let us meet","unread":83,"teaser":"Hello"}}'

The API is at ${address}/docs, the console for operators at ${address}/console
`;
}

const running = Promise.withResolvers<Service>();
// At the top level and before anything listens: Deno Deploy finds no other cron job.
Deno.cron("housekeeping", "* * * * *", async () => await (await running.promise).runMaintenance());

if (import.meta.main) {
  const service = await start();
  running.resolve(service);
  // Before the address is printed: a script that reads it may send a signal at once.
  endWith(service);
  Deno.addSignalListener("SIGHUP", () => void service.reload());
  const { hostname, port } = service.address;
  const host = hostname === "0.0.0.0" || hostname === "::" ? "localhost" : hostname;
  const address = `http://${host}:${port}`;
  if (service.firstKey === undefined) console.log(`Carillon is listening at ${address}`);
  else console.log(greeting({ address, key: service.firstKey }));
}
