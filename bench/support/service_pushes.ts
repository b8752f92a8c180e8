/** From publish to APNs' yes, through the whole service: batches, data file, one phone for each user. */

import { startCarillon } from "./carillon_process.ts";
import type { PushPeer } from "./push_peer_process.ts";
import { type ThreadTimes, threadTimes, timesPer } from "./threads.ts";

/** What was measured. */
export interface ServicePushes extends ThreadTimes {
  readonly perSecond: number;
  /** Pushes that were not the first attempt of their notification. */
  readonly repeated: number;
}

const USERS = 1000;
/** Batches under way at once. */
const WINDOW = 3;
const CLIENT = "bench";
const TOPIC = "ox:mail:new";

/** Publishes window after window for so many seconds. */
export async function measureServicePushes(
  peer: PushPeer,
  { engine, seconds, folder, apns }: {
    readonly engine: string;
    readonly seconds: number;
    /** Where the credentials are. */
    readonly folder: string;
    readonly apns: Readonly<Record<string, string>>;
  },
): Promise<ServicePushes> {
  const options = {
    topic: apns.bundleId,
    address: peer.origins.apns,
    cafile: `${folder}/ca.pem`,
    authtype: "jwt",
    privatekey: `${folder}/apns.p8`,
    keyid: apns.keyId,
    teamid: apns.teamId,
  };
  await using service = await startCarillon([
    "com.openexchange.pns.delayDuration=0",
    "com.openexchange.pns.transport.apn.ios.enabled=true",
    `io.carillon.http.engine=${engine}`,
  ], { files: { "pns-apns-options.yml": JSON.stringify({ [CLIENT]: options }) } });
  await subscribe(service);

  let round = 0;
  async function window(): Promise<number> {
    const before = await peer.count();
    const batches = Array.from({ length: WINDOW }, () => batch(round++));
    await Promise.all(batches.map((notifications) => service.publish(notifications)));
    const pushes = WINDOW * USERS;
    while (await peer.count() < before + pushes) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return pushes;
  }

  await window();
  await window();
  const begun = performance.now();
  const from = await threadTimes(service.pid);
  const countBefore = await peer.count();
  let pushes = 0;
  while (performance.now() - begun < seconds * 1000) pushes += await window();
  const perSecond = pushes / (performance.now() - begun) * 1000;
  const repeated = await peer.count() - countBefore - pushes;
  return { perSecond, repeated, ...timesPer(pushes, { from, to: await threadTimes(service.pid) }) };
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
