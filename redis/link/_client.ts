/** Makes connections of the npm package, which reads and writes the protocol. */

import { createClient } from "redis";
import type { Clock } from "../../core/clock.ts";
import type { Credentials, HostPort } from "./address.ts";
import type { Reply } from "../link.ts";

/** Parts of a command, its name first. */
export type Command = readonly (string | number)[];

/** How to log in at a server. */
export interface Access {
  readonly tls: boolean;
  readonly credentials: Credentials;
  readonly database: number;
  /** Certificates (PEM) to trust in place of the machine's own. */
  readonly ca?: string;
}

/** A connection of the npm package. */
export type Client = ReturnType<typeof makeClient>;

/** Makes a client that is not connected yet and that never reconnects. */
export function makeClient(
  { host, port }: HostPort,
  { tls, credentials, database, ca, timeoutMs }: Access & { readonly timeoutMs: number },
) {
  const common = { host, port, connectTimeout: timeoutMs, reconnectStrategy: false as const };
  return createClient({
    // Replies of RESP2 are plain texts, numbers and lists.
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

/** Sends a command on a client. */
export function sendOn(client: Client, command: Command): Promise<Reply> {
  return client.sendCommand(command.map(String)) as Promise<Reply>;
}

/** Sends one command on a connection of its own. */
export async function sendOnce(
  server: HostPort,
  { command, clock, ...access }: Access & {
    readonly command: Command;
    readonly clock: Pick<Clock, "after">;
    readonly timeoutMs: number;
  },
): Promise<Reply> {
  const client = makeClient(server, access);
  // The promises below reject with the same error.
  client.on("error", () => {});
  const timer = clock.after(access.timeoutMs, () => client.destroy());
  try {
    await client.connect();
    return await sendOn(client, command);
  } finally {
    timer.cancel();
    client.destroy();
  }
}
