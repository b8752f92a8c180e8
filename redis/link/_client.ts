/** The npm client, set up to do no more than speak the protocol: one connection, made once. */

import { createClient } from "redis";
import type { Clock } from "../../core/clock.ts";
import type { Credentials, HostPort } from "./address.ts";
import type { Reply } from "../link.ts";

/** How to get through to a server. */
export interface Access {
  readonly tls: boolean;
  readonly credentials: Credentials;
  readonly database: number;
  /** Certificates (PEM) to trust in place of the machine's own. */
  readonly ca?: string;
}

/** A connection of the npm package. */
export type Client = ReturnType<typeof makeClient>;

/** A client that has not begun to connect, and that does not come back by itself. */
export function makeClient(
  { host, port }: HostPort,
  { tls, credentials, database, ca, timeoutMs }: Access & { readonly timeoutMs: number },
) {
  const common = { host, port, connectTimeout: timeoutMs, reconnectStrategy: false as const };
  return createClient({
    // Answers of the older protocol are plain texts, numbers and lists.
    RESP: 2,
    ...credentials,
    database,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: "disabled",
    // Otherwise each command has a timer of its own.
    commandOptions: { timeout: 0 },
    socket: tls ? { ...common, tls: true, ...ca === undefined ? {} : { ca } } : common,
  });
}

/** Asks one question on a connection made for it. */
export async function askOnce(
  where: HostPort,
  { command, clock, ...access }: Access & {
    readonly command: readonly string[];
    readonly clock: Pick<Clock, "after">;
    readonly timeoutMs: number;
  },
): Promise<Reply> {
  const client = makeClient(where, access);
  // Whatever happens to it is told by the promises below as well.
  client.on("error", () => {});
  const timer = clock.after(access.timeoutMs, () => client.destroy());
  try {
    await client.connect();
    return await client.sendCommand(command) as Reply;
  } finally {
    timer.cancel();
    client.destroy();
  }
}
