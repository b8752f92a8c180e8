/** The npm client, set up to do no more than speak the protocol: one connection, made once. */

import { createClient } from "redis";
import type { Credentials, HostPort } from "./address.ts";

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
export function makeClient({ host, port }: HostPort, access: Access, timeoutMs: number) {
  const { tls, credentials, database, ca } = access;
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
