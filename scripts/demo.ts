// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * `deno task demo`: the service and the simulator in one process, a user who is subscribed on all
 * five transports, and one "new mail" that arrives by each. Both keep running until Ctrl-C; with
 * `--once` the command ends after the first publish, with 0 only if it arrived by all five. Options:
 * `--port` (8080) and `--simulator-port` (9100 to 9104), 0 for any free ones.
 */

import { parseArgs } from "node:util";
import { io, type Socket } from "socket.io-client";
import { systemClock } from "../core/clock.ts";
import { createYieldToEventLoop } from "../core/event_loop.ts";
import type { TransportName } from "../core/subscription.ts";
import { type Service, startService } from "../service/start.ts";
import { portsFrom, stopSignal, writeSampleConfiguration } from "../simulator/command.ts";
import {
  type Provider,
  type ReceivedPush,
  type Simulator,
  startSimulator,
} from "../simulator/mod.ts";
import { SAMPLE_CLIENTS } from "../simulator/sample_configuration.ts";

/** What reaches a person; webhooks ring nowhere. */
const RINGING: readonly TransportName[] = ["websocket", "apn", "gcm", "wns", "webpush"];
const OWNER = { context: "1", user: "3" };
const TOPIC = "ox:mail:new";
const RINGS_WITHIN_MS = 20_000;
/** The transport of each provider that the simulator imitates. */
const BELLS: Readonly<Partial<Record<Provider, TransportName>>> = {
  apn: "apn",
  fcm: "gcm",
  wns: "wns",
  webpush: "webpush",
};

const { values } = parseArgs({
  args: Deno.args,
  options: {
    once: { type: "boolean", default: false },
    port: { type: "string", default: "8080" },
    "simulator-port": { type: "string", default: "9100" },
  },
});
const key = crypto.randomUUID();
const rung = new Set<TransportName>();
const allRang = Promise.withResolvers<void>();

await Deno.mkdir("data", { recursive: true });
const folder = await Deno.realPath(await Deno.makeTempDir({ dir: "data", prefix: "demo_" }));
const cleanUp = new AsyncDisposableStack();
cleanUp.defer(() => Deno.remove(folder, { recursive: true }));
const simulator = await startSimulator({ ports: portsFrom(Number(values["simulator-port"])) });
cleanUp.defer(() => simulator.close());
const service = await start();
cleanUp.defer(() => service.stop());
const address = `http://localhost:${service.address.port}`;
const socket = await openSocket();
cleanUp.defer(() => void socket.close());
const watching = new AbortController();
cleanUp.defer(() => watching.abort());

await subscribeEverywhere(simulator);
void watchArrivals(watching.signal);
console.log(`Service:   ${address}/docs\nSimulator: ${simulator.addresses.api}\n`);
console.log(`User ${OWNER.user} has five bells. Publishing one '${TOPIC}' …`);
const { ids: [id] } = await call("POST", "/v1/notifications", notification());
await Promise.race([
  allRang.promise,
  new Promise<void>((resolve) => {
    const timer = systemClock.after(RINGS_WITHIN_MS, resolve);
    cleanUp.defer(() => timer.cancel());
  }),
]);
const missing = RINGING.filter((transport) => !rung.has(transport));
console.log(missing.length === 0 ? "All five rang." : `Silent: ${missing.join(", ")}`);
if (values.once) Deno.exitCode = missing.length === 0 ? 0 : 1;
else {
  console.log(`
Console:     ${address}/console, with the API key ${key}
Its record:  curl -H 'authorization: Bearer ${key}' ${address}/v1/notifications/${id}
Ring again:  CARILLON_URL=${address} CARILLON_KEY=${key} npx -y deno@2.9.6 task publish
Settings:    ${folder}/conf (changes take effect at once)

Ctrl-C ends both and deletes their data.`);
  await stopSignal();
}
await cleanUp.disposeAsync();
Deno.exit();

async function start(): Promise<Service> {
  await writeSampleConfiguration(simulator, folder);
  return await startService({
    host: "127.0.0.1",
    port: Number(values.port),
    configDir: `${folder}/conf`,
    store: `kv:${folder}/carillon.kv`,
    adminKey: key,
  }, {
    clock: systemClock,
    random: Math.random,
    yieldToEventLoop: createYieldToEventLoop(systemClock),
    variables: {},
    writeLog: (line) => void (line.includes('"level":"info"') || console.error(line.trimEnd())),
  });
}

/** Connects like a browser tab of App Suite. */
async function openSocket(): Promise<Socket> {
  const { token } = await call("POST", "/v1/sessions", OWNER);
  const opened = io(address, {
    path: "/socket.io/appsuite/",
    query: { session: token, connection: crypto.randomUUID() },
  });
  opened.on(TOPIC, (data: { readonly subject?: string }) => ring("websocket", data.subject));
  await new Promise<void>((resolve, reject) => {
    opened.once("connect", resolve).once("connect_error", reject);
  });
  return opened;
}

async function subscribeEverywhere({ samples }: Simulator): Promise<void> {
  for (const transport of ["apn", "gcm", "wns", "webpush"] as const) {
    const [client, token] = [SAMPLE_CLIENTS[transport], samples[transport]];
    await call("POST", "/v1/subscriptions", { ...OWNER, client, transport, token, topics: ["*"] });
  }
}

async function watchArrivals(signal: AbortSignal): Promise<void> {
  let after = 0;
  while (!signal.aborted) {
    const arrived = await simulator.received.wait(1, { after, accepted: true }, signal)
      .catch((): readonly ReceivedPush[] => []);
    for (const { sequence, provider, payload } of arrived) {
      after = sequence;
      const transport = BELLS[provider];
      if (transport) ring(transport, JSON.stringify(payload));
    }
  }
}

function ring(transport: TransportName, text = ""): void {
  console.log(`  🔔 ${transport.padEnd(10)} ${text.slice(0, 100)}`);
  rung.add(transport);
  if (rung.size === RINGING.length) allRang.resolve();
}

function notification() {
  return {
    ...OWNER,
    topic: TOPIC,
    data: {
      folder: "default0/INBOX",
      id: "113",
      email: "jane.doe@foobar.com",
      displayname: "Jane Doe",
      subject: "Let us meet",
      unread: 83,
      teaser: "Hello",
    },
  };
}

// deno-lint-ignore no-explicit-any -- answers of our own API, read once each
async function call(method: string, path: string, body: unknown): Promise<any> {
  const response = await fetch(address + path, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return await response.json();
}
