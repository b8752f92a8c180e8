/**
 * Measures from publish to APNs' 200 through the whole service (batches, data file, one phone per
 * user), and how an outage of APNs affects everything else.
 */

import { type CarillonProcess, startCarillon } from "./carillon_process.ts";
import type { PushPeer } from "./push_peer_process.ts";
import { type ThreadTimes, threadTimes, timesPer } from "./threads.ts";

interface ServicePushes extends ThreadTimes {
  readonly perSecond: number;
  /** Pushes that were not the first attempt of their notification. */
  readonly repeated: number;
}

const USERS = 1000;
/** Batches that are published and not all pushed: fewer would leave the service waiting. */
const WINDOW = 2;
/** Batches that are published at once while APNs is down. */
const PUBLISHERS = 3;
const WARM_UP_MS = 1_000;
const CLIENT = "bench";
const TOPIC = "ox:mail:new";

interface ServiceSettings {
  readonly engine: string;
  /** The folder with the credentials. */
  readonly folder: string;
  readonly apns: Readonly<Record<"bundleId" | "keyId" | "teamId", string>>;
}

/** Publishes for a number of seconds, as fast as APNs is told. */
export async function measureServicePushes(
  peer: PushPeer,
  { seconds, ...settings }: ServiceSettings & { readonly seconds: number },
): Promise<ServicePushes> {
  await using service = await startService(peer, settings);
  const before = await peer.count();
  const published: Promise<unknown>[] = [];

  async function publishFor(ms: number): Promise<void> {
    const end = performance.now() + ms;
    while (performance.now() < end) {
      await countReaches(peer, before + (published.length - WINDOW + 1) * USERS);
      published.push(service.publish(batch(published.length)));
    }
  }

  await publishFor(WARM_UP_MS);
  const [from, countBefore, begun] = [
    await threadTimes(service.pid),
    await peer.count(),
    performance.now(),
  ];
  await publishFor(seconds * 1000);
  const [to, count, ended] = [
    await threadTimes(service.pid),
    await peer.count(),
    performance.now(),
  ];
  await Promise.all(published);
  await countReaches(peer, before + published.length * USERS);
  const pushes = count - countBefore;
  return {
    perSecond: pushes / (ended - begun) * 1000,
    repeated: await peer.count() - before - published.length * USERS,
    ...timesPer(pushes, { from, to }),
  };
}

interface Outage {
  /**
   * Milliseconds that `/livez` took while everything failed at once, and in the ten seconds after.
   */
  readonly during: Waits;
  readonly after: Waits;
  /** Pushes per second after APNs returned, until the last one. */
  readonly perSecond: number;
  /** Pushes beyond one for each notification. */
  readonly repeated: number;
}

/** Milliseconds. */
export interface Waits {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const LOOK_PAUSE_MS = 10;
const AFTERMATH_MS = 10_000;

/** Lets a number of pushes fail at once; then APNs returns. */
export async function measureOutage(
  peer: PushPeer,
  { pushes, ...settings }: ServiceSettings & { readonly pushes: number },
): Promise<Outage> {
  await using service = await startService(peer, settings);
  await using looks = new Looks(`http://127.0.0.1:${service.port}/livez`);
  const before = await peer.count();
  await peer.setOutage(true);
  for (let round = 0; round < pushes / USERS; round += PUBLISHERS) {
    const rounds = Array.from({ length: PUBLISHERS }, (_, n) => round + n);
    const due = rounds.filter((each) => each < pushes / USERS);
    await Promise.all(due.map((each) => service.publish(batch(each))));
  }
  const during = looks.take();
  await new Promise((resolve) => setTimeout(resolve, AFTERMATH_MS));
  const after = looks.take();
  await peer.setOutage(false);
  await countReaches(peer, before + 1);
  const begun = performance.now();
  await countReaches(peer, before + pushes);
  const perSecond = pushes / (performance.now() - begun) * 1000;
  return { during, after, perSecond, repeated: await peer.count() - before - pushes };
}

/** Requests an address repeatedly. */
class Looks implements AsyncDisposable {
  #waits: number[] = [];
  #isOver = false;
  readonly #looking: Promise<void>;

  constructor(url: string) {
    this.#looking = this.#look(url);
  }

  /** Returns the latencies since the last call. */
  take(): Waits {
    const waits = this.#waits.sort((a, b) => a - b);
    this.#waits = [];
    const at = (share: number) => waits[Math.floor(share * (waits.length - 1))]!;
    return { p50: at(0.5), p99: at(0.99), max: at(1) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#looking;
  }

  async #look(url: string): Promise<void> {
    while (!this.#isOver) {
      const asked = performance.now();
      await (await fetch(url)).text();
      this.#waits.push(performance.now() - asked);
      await new Promise((resolve) => setTimeout(resolve, LOOK_PAUSE_MS));
    }
  }
}

async function countReaches(peer: PushPeer, count: number): Promise<void> {
  while (await peer.count() < count) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Subscribes one phone for each user. */
async function startService(
  peer: PushPeer,
  { engine, folder, apns }: ServiceSettings,
): Promise<CarillonProcess> {
  const options = {
    topic: apns.bundleId,
    address: peer.origins.apns,
    cafile: `${folder}/ca.pem`,
    authtype: "jwt",
    privatekey: `${folder}/apns.p8`,
    keyid: apns.keyId,
    teamid: apns.teamId,
  };
  const service = await startCarillon([
    "com.openexchange.pns.delayDuration=0",
    "com.openexchange.pns.transport.apn.ios.enabled=true",
    `io.carillon.http.engine=${engine}`,
  ], { files: { "pns-apns-options.yml": JSON.stringify({ [CLIENT]: options }) } });
  await subscribe(service);
  return service;
}

async function subscribe(
  { port, adminKey }: { readonly port: number; readonly adminKey: string },
): Promise<void> {
  for (let user = 0; user < USERS; user++) {
    const response = await fetch(`http://127.0.0.1:${port}/v1/subscriptions`, {
      method: "POST",
      headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
      body: JSON.stringify({
        ...{ context: "1", user: String(user), client: CLIENT, transport: "apn", topics: [TOPIC] },
        token: user.toString(16).padStart(64, "0"),
      }),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`Not subscribed: ${response.status}`);
  }
}

function batch(round: number) {
  return Array.from({ length: USERS }, (_, user) => ({
    ...{ context: "1", user: String(user), topic: TOPIC, priority: "high" },
    data: {
      folder: "default0/INBOX",
      id: `${round}-${user}`,
      from: "Jane Doe",
      subject: "Let us meet",
      teaser: "Hello",
      unread: 83,
    },
  }));
}
