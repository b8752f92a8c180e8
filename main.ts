// deno-lint-ignore-file no-console -- a start answers on the terminal
/**
 * The process: reads the environment, starts the service, reloads on SIGHUP, leaves on SIGTERM and
 * stops on SIGINT. No rule of the service is here.
 */

import { systemClock } from "./core/clock.ts";
import { createYieldToEventLoop } from "./core/event_loop.ts";
import { messageOf, ServiceError } from "./core/errors.ts";
import { readEnvironment } from "./service/environment.ts";
import { greeting } from "./service/greeting.ts";
import { type Service, startService } from "./service/start.ts";

/** A stop that takes longer than this is cut off; what is not written is in the log. */
const STOP_WITHIN_MS = 25_000;
/** `EX_CONFIG` of sysexits: a supervisor must not start it again before somebody has acted. */
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

/** Ends the process with the service, however that comes about. */
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

const running = Promise.withResolvers<Service>();
// At the top level and before anything listens: Deno Deploy finds no other (deploy/reference/cron).
Deno.cron("housekeeping", "* * * * *", async () => await (await running.promise).runMaintenance());

if (import.meta.main) {
  const service = await start();
  running.resolve(service);
  // Before anybody is told that it listens, and may end it.
  endWith(service);
  Deno.addSignalListener("SIGHUP", () => void service.reload());
  const { hostname, port } = service.address;
  const host = hostname === "0.0.0.0" || hostname === "::" ? "localhost" : hostname;
  const address = `http://${host}:${port}`;
  if (service.firstKey === undefined) console.log(`Carillon is listening at ${address}`);
  else console.log(greeting({ address, key: service.firstKey }));
}
