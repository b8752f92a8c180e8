/** What the suites about publishing share: where they run, and how they look at a service. */

import { io, type Socket } from "socket.io-client";
import { NEW_MAIL, type Settled } from "../support/api.ts";
import type { TestService } from "../support/start_service.ts";
import type { Providers } from "../flow/_providers.ts";

/** Where a suite runs. */
export interface PublishingSuite {
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** Empties the store, and returns its address. */
  readonly store: () => string | Promise<string>;
}

/** The topic of the example. */
export const MAIL_TOPIC = NEW_MAIL.topic;
/** Where notifications are. */
export const PATH = "/v1/notifications";
/** The id of no notification. */
export const NOWHERE = "01963dd0-0000-7000-8000-000000000000";

/** A socket of user 3. */
export async function openSocket(service: TestService): Promise<Socket & Disposable> {
  const socket = io(service.address, {
    ...{ path: "/socket.io/appsuite", forceNew: true, transports: ["websocket"] },
    query: { session: await service.mint() },
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  return Object.assign(socket, { [Symbol.dispose]: () => void socket.close() });
}

/** Reads the record of a notification. */
export function record(service: TestService, id: string): Promise<Settled> {
  return service.call("GET", `${PATH}/${id}`).then(({ body }) => body);
}

/** A time in so many milliseconds. */
export function soon(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}

/** The state of a notification and of its targets, as one text. */
export function states({ state, targets }: Settled): string {
  return [state, ...targets.map((one) => `${one.transport}=${one.state}`).sort()].join(" ");
}

/** What APNs received. */
export function pushes({ simulator }: Providers) {
  return simulator.received.list({ provider: "apn" });
}
