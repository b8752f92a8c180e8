/**
 * Measures what a hanging provider costs the others: the time from a publish to APNs' 200, by the
 * ledger, through a whole service whose pushes to FCM are answered or never are.
 */

import { systemClock } from "../../core/clock.ts";
import { createYieldToEventLoop } from "../../core/event_loop.ts";
import { startService } from "../../service/start.ts";
import type { SimulatorProcess } from "./simulator_process.ts";

interface Latencies {
  readonly p50: number;
  readonly p99: number;
}

const ROUNDS = 120;
const PER_ROUND = 5;
const WARM_UP_ROUNDS = 20;
const ROUND_MS = 40;
const TOPIC = "ox:mail:new";

const KEY = "benchmark-admin-key";

/**
 * Publishes at a steady rate to users with iPhones and with Androids; returns the latencies of
 * iPhones.
 */
export async function latencyOfHealthy(
  simulator: SimulatorProcess,
  { hanging }: { readonly hanging: boolean },
): Promise<Latencies> {
  await simulator.setFault("fcm", hanging ? "hang" : "");
  const store = await Deno.makeTempDir({ prefix: "bench_" });
  const properties = "com.openexchange.pns.delayDuration=0\n" +
    "io.carillon.delivery.attemptTimeout=2000\n";
  await Deno.writeTextFile(`${simulator.folder}/conf/bench.properties`, properties);
  const service = await startService({
    ...{ host: "127.0.0.1", port: 0, adminKey: KEY },
    configDir: `${simulator.folder}/conf`,
    store: `kv:${store}/carillon.kv`,
  }, {
    clock: systemClock,
    random: Math.random,
    yieldToEventLoop: createYieldToEventLoop(systemClock),
    variables: {},
    writeLog() {},
  });
  try {
    return await measure(`http://127.0.0.1:${service.address.port}`);
  } finally {
    await simulator.setFault("fcm", "");
    await service.stop();
    await Deno.remove(store, { recursive: true });
  }
}

async function measure(address: string): Promise<Latencies> {
  // deno-lint-ignore no-explicit-any -- answers of our own API, read once each
  async function call(method: string, path: string, body?: unknown): Promise<any> {
    const response = await fetch(address + path, {
      method,
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      ...body !== undefined && { body: JSON.stringify(body) },
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return await response.json();
  }

  const devices = [
    { user: "apple", client: "demo-ios", transport: "apn", token: "ab".repeat(32) },
    { user: "google", client: "demo-android", transport: "gcm", token: "a-device:APA91b" },
  ];
  for (const device of devices) {
    await call("POST", "/v1/subscriptions", { context: "1", ...device, topics: [TOPIC] });
  }
  const timed: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const pause = new Promise((resolve) => setTimeout(resolve, ROUND_MS));
    const notifications = Array.from({ length: 2 * PER_ROUND }, (_, index) => ({
      ...{ context: "1", topic: TOPIC, priority: "high" },
      user: devices[index % 2]!.user,
      data: { folder: "default0/INBOX", id: `${round}-${index}`, subject: "Let us meet" },
    }));
    const { ids } = await call("POST", "/v1/notifications", { notifications });
    if (round >= WARM_UP_ROUNDS) {
      timed.push(...ids.filter((_: string, index: number) => index % 2 === 0));
    }
    await pause;
  }
  const latencies: number[] = [];
  for (const id of timed) {
    const record = await call("GET", `/v1/notifications/${id}`);
    if (record.state !== "delivered") throw new Error(`A healthy push is ${record.state}`);
    latencies.push(Date.parse(record.targets[0].at) - Date.parse(record.acceptedAt));
  }
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)]!;
  return { p50: at(0.5), p99: at(0.99) };
}
