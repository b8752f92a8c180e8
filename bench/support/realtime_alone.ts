/**
 * The realtime server without the service, for measurements: every session is admitted as the user
 * of that name. `idle_memory.ts` starts it and documents the lines that it answers.
 */

import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { LocalHub } from "../../events/mod.ts";
import { createRealtime, REALTIME_DEFAULTS } from "../../realtime/mod.ts";
import { lines } from "./ws_swarm.ts";

const CLIENT = "bench";
const users: string[] = [];

const hub = new LocalHub({
  clock: systemClock,
  log: silentLog,
  settings: () => ({ windowMs: 120_000, maxEventsPerUser: 500, maxBytes: 2 ** 26 }),
});

const realtime = createRealtime({
  settings: {
    ...REALTIME_DEFAULTS,
    paths: [{ client: CLIENT, path: "/socket.io/*" }],
    handshakesPerSecond: 1_000_000,
  },
  authenticate({ credential }) {
    return Promise.resolve({ identity: { context: "1", user: credential, sessionId: credential } });
  },
  clock: systemClock,
  log: silentLog,
  random: Math.random,
  hub,
  hooks: { onOpened: ({ user }) => void users.push(user) },
});
await hub.start(realtime);

Deno.serve({
  port: 0,
  hostname: "127.0.0.1",
  onListen: ({ port }) => print(port),
}, (request, info) => realtime.fetch(request, info));

for await (const line of lines(Deno.stdin.readable)) {
  const [command, rounds, ...json] = line.split(" ");
  if (command === "memory") {
    (globalThis as { gc?: () => void }).gc?.();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    print(Deno.memoryUsage().rss);
  } else if (command === "emit") {
    await emit(Number(rounds), JSON.parse(json.join(" ")));
    print("done");
  } else Deno.exit(0);
}

async function emit(rounds: number, data: Record<string, number>): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const at = performance.timeOrigin + performance.now();
    const args = `"ox:mail:new",${JSON.stringify({ ...data, at })}`;
    const events = users.map((user) => ({
      ...{ context: "1", user, id: `${round}`, clients: [CLIENT], args },
    }));
    await hub.publish(events, { isRepeat: false });
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

function print(value: unknown): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${value}\n`));
}
