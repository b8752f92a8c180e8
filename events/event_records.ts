/**
 * What an embedded hub keeps in a store, so that a restart loses nothing: the events of each
 * publish, in a few large values that the store lets go by itself, and one record for each user
 * who is there. Records of users are written after the fact; events before anybody is told.
 */

import { type LoggedEvent, OFFSETS_PER_MS, type UserName } from "../core/events.ts";
import type { Commit, Store, StoreKey } from "../core/store.ts";
import { cutBytes, packEvents, unpackEvents } from "./_packing.ts";

/** What event records are made of. */
export interface EventRecordsOptions {
  readonly store: Store;
  /** Writes changes; several callers share a commit, and those of one are in order. */
  readonly commit: (commit: Omit<Commit, "checks">) => Promise<void>;
}

/** One connection of a user, as it is stored. */
export interface StoredSocket {
  readonly client: string;
  readonly id: string;
  readonly socketId: string;
  readonly heartbeatMs: number;
  readonly acknowledged: number;
  /** When it closed (epoch ms); absent while it is open. */
  readonly closedAt?: number;
}

/** A user who is there, as it is stored. */
export interface StoredUser {
  readonly v: 2;
  readonly last: number;
  readonly floor: number;
  readonly sockets: readonly StoredSocket[];
}

const EVENTS: StoreKey = ["events"];
const PRESENT: StoreKey = ["present"];
/** Connections that were here, as numbers. */
const VISITS: StoreKey = ["visits"];
/** When a hub was last known to be alive; beside the users, not among them. */
const ALIVE: StoreKey = ["presentAt"];

/** Room for the store's own framing of a value. */
const FRAMING_BYTES = 512;
/** Eight bytes each. */
const VISITS_PER_VALUE = 4_000;
/** Bytes of events in one commit, so that they share it with others. */
const BATCH_BYTES = 256 * 1024;
/** What an event's line adds to its texts, at most: numbers, quotes, commas. */
const LINE_BYTES = 128;

/** See the file's comment. */
export class EventRecords {
  readonly #options: EventRecordsOptions;
  readonly #maxValueBytes: number;
  #stamp = 0;

  constructor(options: EventRecordsOptions) {
    this.#options = options;
    this.#maxValueBytes = options.store.traits.maxValueBytes - FRAMING_BYTES;
  }

  /**
   * Keeps events for at least so long, in parts; `onKept` is called for each part that is in the
   * store, in order, with the index of its first event and of the one after its last.
   *
   * @throws {ServiceError} `store_unavailable`: those without a call may be in the store or not.
   */
  async append(
    events: readonly LoggedEvent[],
    { keepMs, onKept }: {
      readonly keepMs: number;
      readonly onKept: (from: number, to: number) => void;
    },
  ): Promise<void> {
    await Promise.all(
      batches(events).map(async ([from, to]) => {
        await this.#options.commit({ sets: this.#sets(events.slice(from, to), keepMs) });
        onKept(from, to);
      }),
    );
  }

  /** Everything that is left of what was appended, in order. */
  async *readEvents(): AsyncGenerator<readonly LoggedEvent[]> {
    let pieces: Uint8Array[] = [];
    for await (const { key, value } of this.#options.store.list<Uint8Array>({ prefix: EVENTS })) {
      const [, stamp, part, parts] = key.map(Number);
      this.#stamp = Math.max(this.#stamp, stamp!);
      if (part === 0) pieces = [];
      pieces.push(value);
      // Where a part has expired before the others, all of them are too old.
      if (pieces.length === parts && part === parts - 1) yield unpackEvents(pieces);
    }
  }

  /** Writes what is known of a user at a moment (epoch ms), or that it is nothing any more. */
  saveUser(
    { context, user }: UserName,
    state: StoredUser | undefined,
    at: number,
  ): Promise<void> {
    const key = [...PRESENT, context, user];
    const alive = { key: ALIVE, value: { v: 1, at } };
    return this.#options.commit(
      state ? { sets: [alive, { key, value: state }] } : { sets: [alive], deletes: [key] },
    );
  }

  /** Every user who was there. */
  async *readUsers(): AsyncGenerator<UserName & { readonly state: StoredUser }> {
    for await (const { key, value } of this.#options.store.list<StoredUser>({ prefix: PRESENT })) {
      yield { context: String(key[1]), user: String(key[2]), state: value };
    }
  }

  /** Adds to the connections that were here; see `_past_connections.ts`. */
  saveConnections(hashes: readonly number[], keepMs: number): Promise<void> {
    const sets = [];
    for (let at = 0; at < hashes.length; at += VISITS_PER_VALUE) {
      const value = new Uint8Array(
        new Float64Array(hashes.slice(at, at + VISITS_PER_VALUE)).buffer,
      );
      sets.push({ key: [...VISITS, hashes[at]!, at], value, expireInMs: keepMs });
    }
    return this.#options.commit({ sets });
  }

  /** All that were added and are not too old. */
  async *readConnections(): AsyncGenerator<readonly number[]> {
    for await (const { value } of this.#options.store.list<Uint8Array>({ prefix: VISITS })) {
      yield [...new Float64Array(new Uint8Array(value).buffer)];
    }
  }

  /** Writes that the hub is alive at a moment (epoch ms). */
  saveAlive(at: number): Promise<void> {
    return this.#options.commit({ sets: [{ key: ALIVE, value: { v: 1, at } }] });
  }

  /** When a hub last wrote anything here (epoch ms); 0: never. */
  async readAlive(): Promise<number> {
    const { store } = this.#options;
    const entry = await store.get<{ readonly at: number }>(ALIVE);
    let at = entry?.value.at ?? 0;
    for await (const { key } of store.list({ prefix: EVENTS, reverse: true, limit: 1 })) {
      at = Math.max(at, Math.floor(Number(key[1]) / OFFSETS_PER_MS));
    }
    return at;
  }

  #sets(events: readonly LoggedEvent[], keepMs: number): NonNullable<Commit["sets"]> {
    const stamp = this.#stamp = Math.max(this.#stamp + 1, events[0]!.offset);
    return cutBytes(packEvents(events), this.#maxValueBytes).map((value, part, { length }) => ({
      key: [...EVENTS, stamp, part, length],
      value,
      expireInMs: keepMs,
    }));
  }
}

/** Runs of events that one commit takes each, about: the first of each, and the one after it. */
function batches(events: readonly LoggedEvent[]): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  let from = 0;
  let bytes = 0;
  events.forEach(({ args, id, user }, at) => {
    // At three bytes a character, should they all be beyond ASCII.
    const size = LINE_BYTES + 3 * (args.length + id.length + user.length);
    if (at > from && bytes + size > BATCH_BYTES) {
      found.push([from, at]);
      from = at;
      bytes = 0;
    }
    bytes += size;
  });
  found.push([from, events.length]);
  return found;
}
