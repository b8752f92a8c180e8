/** The surroundings of a hub under the contract: a fake of the realtime server, events, sockets. */

import assert from "node:assert/strict";
import type {
  EventHub,
  LocalSocket,
  LocalSockets,
  LoggedEvent,
  MissedEvents,
  Presence,
  SocketPresence,
  UserEvent,
  UserName,
} from "../../core/events.ts";
import { until } from "../support/until.ts";

/** Hubs that share one backend, and control of time and crashes. */
export interface HubsUnderTest {
  /** How long the log goes back, in milliseconds. */
  readonly windowMs: number;
  /** How many events a user's log keeps; few, so that tests can fill it. */
  readonly maxEventsPerUser: number;
  /** Opens and starts one more hub; after a crash, on the same stored data. */
  open(local: LocalSockets): Promise<EventHub>;
  /** Lets time pass for all hubs. */
  pass(ms: number): Promise<void>;
  /**
   * Ends a hub as `kill -9` would. Resolves when its sockets count as closed: at once where the next
   * start finds that out, after the lease where other nodes do.
   */
  crash(hub: EventHub): Promise<void>;
  /** Disposes of the hubs that have not crashed. */
  dispose(): Promise<void>;
}

/** What the hubs can do. */
export interface HubAbilities {
  /** Logs and presence survive a crash of the hub. */
  readonly survives: boolean;
}

/** A user. */
export const SEVEN: UserName = { context: "1", user: "7" };
/** Another user. */
export const EIGHT: UserName = { context: "1", user: "8" };

let count = 0;

/** Creates an event with a new id. */
export function eventFor(user: UserName, fields: Partial<UserEvent> = {}): UserEvent {
  const id = `event-${++count}`;
  return { ...user, id, clients: ["mail"], args: `"ox:mail:new",{"n":${count}}`, ...fields };
}

/** Creates a socket with a new id. */
export function socketFor(user: UserName, fields: Partial<SocketPresence> = {}): SocketPresence {
  const socketId = `socket-${++count}`;
  return { ...user, client: "mail", id: socketId, socketId, heartbeatMs: 100, ...fields };
}

/** A fake realtime server: its sockets only record what is delivered. */
export class FakeRealtime implements LocalSockets {
  readonly delivered: LoggedEvent[] = [];
  readonly recovered: UserName[] = [];
  hub!: EventHub;
  #sockets: (LocalSocket & { cursor: number; acknowledged: number })[] = [];

  deliver(event: LoggedEvent): void {
    this.delivered.push(event);
    for (const socket of this.#sockets) {
      if (isOf(socket, event)) socket.cursor = Math.max(socket.cursor, event.offset);
    }
  }

  sockets(): readonly LocalSocket[] {
    return this.#sockets;
  }

  socketsOf(user: UserName): readonly LocalSocket[] {
    return this.#sockets.filter((socket) => isOf(socket, user));
  }

  recover(user: UserName): void {
    this.recovered.push(user);
  }

  /** Connects a socket, as the realtime server does. */
  async connect(socket: SocketPresence) {
    const local = { ...socket, open: true as const, cursor: -1, acknowledged: -1 };
    this.#sockets.push(local);
    const joined = await this.hub.join(local);
    local.cursor = local.acknowledged = Math.max(local.cursor, joined.last);
    return joined;
  }

  /** Acknowledges everything delivered so far, and returns that offset. */
  acknowledge(socket: SocketPresence): number {
    const local = this.#sockets.find(({ socketId }) => socketId === socket.socketId)!;
    return local.acknowledged = local.cursor;
  }

  /** Closes a socket whose client may reconnect, or not. */
  disconnect(socket: SocketPresence, { returns }: { readonly returns: boolean }): void {
    const local = this.#sockets.find(({ socketId }) => socketId === socket.socketId)!;
    this.#sockets = this.#sockets.filter((each) => each !== local);
    this.hub.leave(local, returns ? local.acknowledged : undefined);
  }

  /** Waits until so many events were delivered in total, and returns all of them. */
  async untilDelivered(total: number): Promise<readonly LoggedEvent[]> {
    await until(`${total} events are delivered`, () => this.delivered.length >= total);
    assert.equal(this.delivered.length, total);
    return this.delivered;
  }

  async present(user: UserName): Promise<readonly Presence[]> {
    const [present] = await this.hub.presence([user]);
    return present!;
  }

  async publish(...events: readonly UserEvent[]): Promise<void> {
    assert.equal((await this.hub.publish(events, { isRepeat: false })).size, 0);
  }
}

function isOf(socket: UserName, { context, user }: UserName): boolean {
  return socket.context === context && socket.user === user;
}

/** What a test gets: the hubs, and one of them with its realtime server. */
export interface Scene {
  readonly under: HubsUnderTest;
  readonly realtime: FakeRealtime;
  /** Opens one more hub with a realtime server. */
  another(): Promise<FakeRealtime>;
}

/** Runs one test with hubs of its own. */
export async function withHubs(
  create: () => Promise<HubsUnderTest>,
  body: (scene: Scene) => Promise<void>,
): Promise<void> {
  const under = await create();
  async function another() {
    const realtime = new FakeRealtime();
    realtime.hub = await under.open(realtime);
    return realtime;
  }
  try {
    await body({ under, another, realtime: await another() });
  } finally {
    await under.dispose();
  }
}

/** Returns the ids of missed events. */
export function idsOf({ events }: MissedEvents): readonly string[] {
  return events.map(({ id }) => id);
}

/** Returns the fields that identify a socket. */
export function labelOf({ client, id, socketId }: SocketPresence) {
  return { client, id, socketId };
}

/** Returns presences as plain values, in a fixed order. */
export function shown(present: readonly Presence[]) {
  return present
    .map(({ client, id, socketId, open }) => ({ client, id, socketId, open }))
    .sort((a, b) => a.socketId < b.socketId ? -1 : 1);
}
