/** The benchmark's far side of APNs and FCM, as a process of its own. */

import { cpuSeconds } from "./proc.ts";
import { startDenoServer } from "./deno_server.ts";

/** A running far side. */
export interface PushPeer extends AsyncDisposable {
  /** `https://localhost:<port>` for each. */
  readonly origins: { readonly apns: string; readonly fcm: string };
  setLatency(ms: number): Promise<void>;
  /** While it lasts, APNs answers 503. */
  setOutage(isOut: boolean): Promise<void>;
  /** Pushes said yes to so far. */
  count(): Promise<number>;
  /** CPU time so far, in seconds. */
  cpu(): Promise<number>;
}

/** Starts it. `pair`: a file with its certificate and key as JSON. */
export async function startPushPeer(pair: string): Promise<PushPeer> {
  const server = await startDenoServer("push_peer.ts", { env: { PUSH_PEER_PAIR: pair } });
  return {
    origins: JSON.parse(server.greeting),
    async setLatency(ms) {
      await server.ask(`latency ${ms}`);
    },
    async setOutage(isOut) {
      await server.ask(`outage ${isOut ? "on" : "off"}`);
    },
    count: async () => Number(await server.ask("count")),
    cpu: () => cpuSeconds(server.pid),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
