/**
 * Measures what stock clients receive that lose their connections again and again while a node is
 * killed and restarted: the same clients, the same drops at the same times (planned from a seed by
 * `chaos/plan.ts`), the same events. Publishers try another node where one does not accept.
 */

import { io } from "socket.io-client";
import { Balancer, clientHost } from "../../chaos/balancer.ts";
import { planOf } from "../../chaos/plan.ts";
import type { Site } from "./sites.ts";

interface DropsOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly clients: number;
  /** Events per second, over all clients. */
  readonly rate: number;
}

interface DropsResult {
  readonly sent: number;
  /** Events received, each counted once. */
  readonly arrived: number;
  /** Repeated arrivals of an event, at another offset. */
  readonly duplicates: number;
  /** How often clients reconnected, and how often they report that as recovered. */
  readonly returns: number;
  readonly recovered: number;
}

const KINDS = new Set(["cut", "vanish"]);
const RESTART_AFTER_MS = 2_000;
const CONNECT_WITHIN_MS = 20_000;
/** The longest wait for missing events; late ones count as arrived. */
const SETTLE_MS = 15_000;

/** Runs it; the first node is killed after a third of the time. */
export async function runDrops(site: Site, options: DropsOptions): Promise<DropsResult> {
  const { seed, seconds, clients: count, rate } = options;
  await using balancer = new Balancer(site.ports, { now: () => performance.now() });
  const swarm = await openClients(site, { balancer, count });
  const drops = planOf(seed, { seconds, nodes: 0, clients: count, redis: false, only: KINDS });
  const begun = performance.now();
  const at = (ms: number) => sleep(begun + ms - performance.now());

  const acting = drops.map(async ({ at: ms, kind, whom, forMs }) => {
    await at(ms);
    if (kind === "cut") balancer.cut(clientHost(whom));
    else balancer.lose(clientHost(whom));
    await sleep(forMs);
    balancer.letIn(clientHost(whom));
  });
  const killing = (async () => {
    await at(seconds * 1000 / 3);
    await site.kill(0);
    await sleep(RESTART_AFTER_MS);
    await site.start(0);
  })();

  let sent = 0;
  const sending: Promise<void>[] = [];
  while (performance.now() - begun < seconds * 1000) {
    const n = sent++;
    sending.push(insist(site, n, { user: String(n % count), data: { n } }));
    await at(sent / rate * 1000);
  }
  await Promise.all([...sending, ...acting, killing]);
  const deadline = performance.now() + SETTLE_MS;
  while (swarm.arrived() < sent && performance.now() < deadline) await sleep(100);
  return { sent, ...swarm.close() };
}

/** Sends to one node after the other until one accepts. */
async function insist(
  site: Site,
  n: number,
  event: { readonly user: string; readonly data: unknown },
): Promise<void> {
  for (let yieldToEventLoop = n;; yieldToEventLoop++) {
    try {
      return await site.send(yieldToEventLoop % site.ports.length, [event]);
    } catch {
      await sleep(100);
    }
  }
}

async function openClients(
  site: Site,
  { balancer, count }: { readonly balancer: Balancer; readonly count: number },
) {
  const seen = Array.from({ length: count }, () => new Map<number, Set<unknown>>());
  let returns = -count;
  let recovered = 0;
  const sockets = await Promise.all(Array.from({ length: count }, async (_, index) => {
    const [path, query] = (await site.target(String(index))).split("?");
    const socket = io(`http://${clientHost(index)}:${balancer.port}`, {
      ...{ path: path!, query: Object.fromEntries(new URLSearchParams(query)) },
      ...{ forceNew: true, transports: ["websocket"], timeout: 3000 },
      ...{ reconnectionDelay: 100, reconnectionDelayMax: 1000 },
    });
    socket.on("connect", () => {
      returns++;
      if (socket.recovered) recovered++;
    });
    socket.on("ox:mail:new", ({ n }, offset) => {
      const places = seen[index]!.get(n);
      if (places) places.add(offset);
      else seen[index]!.set(n, new Set([offset]));
    });
    return socket;
  }));
  const deadline = performance.now() + CONNECT_WITHIN_MS;
  while (!sockets.every(({ connected }) => connected)) {
    if (performance.now() > deadline) throw new Error("Not all clients could connect");
    await sleep(20);
  }
  const arrived = () => seen.reduce((sum, { size }) => sum + size, 0);
  return {
    arrived,
    close() {
      for (const socket of sockets) socket.close();
      const places = seen.flatMap((events) => [...events.values()]);
      const duplicates = places.reduce((sum, { size }) => sum + size - 1, 0);
      return { arrived: arrived(), duplicates, returns, recovered };
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
