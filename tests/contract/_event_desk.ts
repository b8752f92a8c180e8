/** What stands around a hub under the contract: a desk in the place of the realtime server. */

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

/** A world of hubs that share whatever they share. */
export interface HubsUnderTest {
  /** How long the log goes back: milliseconds. */
  readonly windowMs: number;
  /** How many events a user's log keeps; few, so that tests can fill it. */
  readonly maxEventsPerUser: number;
  /** Opens and starts one more hub. Hubs that are opened after a crash are started anew. */
  open(local: LocalSockets): Promise<EventHub>;
  /** Lets time pass for all hubs. */
  pass(ms: number): Promise<void>;
  /**
   * Ends a hub like `kill -9` would. Resolves when what it had counts as left: at once where the
   * next start finds out, after the lease where others do.
   */
  crash(hub: EventHub): Promise<void>;
  /** Disposes of whatever was opened and not crashed. */
  dispose(): Promise<void>;
}

/** Which rules hold. */
export interface HubAbilities {
  /** A log, and who was there, outlive a crash of the hub. */
  readonly survives: boolean;
}

export const SEVEN: UserName = { context: "1", user: "7" };
export const EIGHT: UserName = { context: "1", user: "8" };

let count = 0;

/** An event with an id of its own. */
export function eventFor(user: UserName, fields: Partial<UserEvent> = {}): UserEvent {
  const id = `event-${++count}`;
  return { ...user, id, clients: ["mail"], args: `"ox:mail:new",{"n":${count}}`, ...fields };
}

/** A seat that nobody else has. */
export function seatFor(user: UserName, fields: Partial<SocketPresence> = {}): SocketPresence {
  const socketId = `socket-${++count}`;
  return { ...user, client: "mail", id: socketId, socketId, heartbeatMs: 100, ...fields };
}

/** The sockets of one process, which only write down what they are told. */
export class Desk implements LocalSockets {
  readonly delivered: LoggedEvent[] = [];
  readonly caughtUp: UserName[] = [];
  hub!: EventHub;
  #seats: (LocalSocket & { cursor: number; acknowledged: number })[] = [];

  deliver(event: LoggedEvent): void {
    this.delivered.push(event);
    for (const seat of this.#seats) {
      if (isOf(seat, event)) seat.cursor = Math.max(seat.cursor, event.offset);
    }
  }

  sockets(): readonly LocalSocket[] {
    return this.#seats;
  }

  socketsOf(user: UserName): readonly LocalSocket[] {
    return this.#seats.filter((seat) => isOf(seat, user));
  }

  recover(user: UserName): void {
    this.caughtUp.push(user);
  }

  /** Lets a socket in, as the realtime server does. */
  async sit(seat: SocketPresence) {
    const local = { ...seat, open: true as const, cursor: -1, acknowledged: -1 };
    this.#seats.push(local);
    const joined = await this.hub.join(local);
    local.cursor = local.acknowledged = Math.max(local.cursor, joined.last);
    return joined;
  }

  /** The client has answered: everything that it was told so far has arrived. */
  prove(seat: SocketPresence): number {
    const local = this.#seats.find(({ socketId }) => socketId === seat.socketId)!;
    return local.acknowledged = local.cursor;
  }

  /** Closes a socket whose client may come back, or not. */
  rise(seat: SocketPresence, { returns }: { readonly returns: boolean }): void {
    const local = this.#seats.find(({ socketId }) => socketId === seat.socketId)!;
    this.#seats = this.#seats.filter((each) => each !== local);
    this.hub.leave(local, returns ? local.acknowledged : undefined);
  }

  /** Waits until so many events have been told altogether; all of them. */
  async heard(total: number): Promise<readonly LoggedEvent[]> {
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

function isOf(seat: UserName, { context, user }: UserName): boolean {
  return seat.context === context && seat.user === user;
}

/** What a test gets: a world with one hub, and a desk in front of it. */
export interface Scene {
  readonly under: HubsUnderTest;
  readonly desk: Desk;
  /** Opens one more hub. */
  another(): Promise<Desk>;
}

/** Runs one test in a world of its own. */
export async function withHubs(
  create: () => Promise<HubsUnderTest>,
  body: (scene: Scene) => Promise<void>,
): Promise<void> {
  const under = await create();
  async function another() {
    const desk = new Desk();
    desk.hub = await under.open(desk);
    return desk;
  }
  try {
    await body({ under, another, desk: await another() });
  } finally {
    await under.dispose();
  }
}

/** The ids of what was missed. */
export function idsOf({ events }: MissedEvents): readonly string[] {
  return events.map(({ id }) => id);
}

/** What a seat is known by. */
export function labelOf({ client, id, socketId }: SocketPresence) {
  return { client, id, socketId };
}

/** Presences as plain values, in a fixed order. */
export function shown(present: readonly Presence[]) {
  return present
    .map(({ client, id, socketId, open }) => ({ client, id, socketId, open }))
    .sort((a, b) => a.socketId < b.socketId ? -1 : 1);
}
