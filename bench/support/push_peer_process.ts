/** Starts the test server of APNs and FCM as a separate process. */

import { cpuSeconds } from "./proc.ts";
import { startDenoServer } from "./deno_server.ts";

/** A running test server. */
export interface PushPeer extends AsyncDisposable {
  /** `https://localhost:<port>` for each provider. */
  readonly origins: { readonly apns: string; readonly fcm: string };
  setLatency(ms: number): Promise<void>;
  /** Switches an outage on or off, in which APNs answers 503. */
  setOutage(isOut: boolean): Promise<void>;
  /** Returns the number of pushes answered with 200. */
  count(): Promise<number>;
  /** Returns the CPU time in seconds. */
  cpu(): Promise<number>;
}

/**
 * Starts the server.
 *
 * @param pair a file with its certificate and key as JSON
 */
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
