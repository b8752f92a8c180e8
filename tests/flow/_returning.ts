/** A stock client that drops and comes back when a test says so, and what is published meanwhile. */

import { io } from "socket.io-client";
import type { Settled } from "../support/api.ts";
import type { TestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";

/** See the file's comment. */
export interface Returning extends AsyncDisposable {
  /** What the data of everything it heard said as `n`. */
  readonly heard: readonly unknown[];
  /** Closes its engine as if the network had gone. */
  drop(): void;
  /** Resolves when it is let in, at this service or another one. */
  comeBack(service: TestService): Promise<void>;
}

/** A client of 4.6 or later; resolves when it is connected. */
export async function openReturning(
  service: TestService,
  query: Readonly<Record<string, string>>,
): Promise<Returning> {
  const client = io(service.address, {
    ...{ path: "/socket.io/appsuite", forceNew: true, transports: ["websocket"] },
    ...{ query, reconnection: false },
  });
  const heard: unknown[] = [];
  client.on("t:kept", ({ n }) => heard.push(n));
  await until("the client is connected", () => client.connected);
  return {
    heard,
    drop: () => void client.io.engine.close(),
    async comeBack({ address }) {
      Object.assign(client.io, { uri: address });
      client.connect();
      await until("the client is back", () => client.connected && client.recovered);
    },
    [Symbol.asyncDispose]() {
      client.close();
      return Promise.resolve();
    },
  };
}

/**
 * Publishes until one is kept for a client that has dropped, which a service sees in a moment; its
 * record, and the `n` of its data.
 */
export function keptRecord(service: TestService): Promise<Settled & { readonly n: number }> {
  let n = 0;
  return until("something is kept", async () => {
    const record = await service.settled(
      await service.publish({ topic: "t:kept", data: { n: ++n } }),
    );
    return record.targets.some(({ state }) => state === "kept") && { ...record, n };
  });
}
