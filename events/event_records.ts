/**
 * The stored records of an embedded hub, so that a restart loses nothing: the events of each
 * publish, in a few large values that expire by themselves, and one record for each user who is
 * present. Events are stored before they are delivered, users after they have changed.
 */

import { type LoggedEvent, OFFSETS_PER_MS, type UserName } from "../core/events.ts";
import type { Commit, Store, StoreKey } from "../core/store.ts";
import { cutBytes, packEvents, unpackEvents } from "./_packing.ts";
import { SmallValues } from "./_small_values.ts";

interface EventRecordsOptions {
  readonly store: Store;
  /** Writes changes, in the order of the calls; several calls share a commit. */
  readonly commit: (commit: Omit<Commit, "checks">) => Promise<void>;
}

/** The stored form of one connection. */
export interface StoredSocket {
  readonly client: string;
  readonly id: string;
  readonly socketId: string;
  readonly heartbeatMs: number;
  readonly acknowledged: number;
  /** When it closed (epoch milliseconds); absent while it is open. */
  readonly closedAt?: number;
}

/** The stored form of a user who is present. */
export interface StoredUser {
  readonly v: 2;
  readonly last: number;
  readonly floor: number;
  readonly sockets: readonly StoredSocket[];
}

const EVENTS: StoreKey = ["events"];
const PRESENT: StoreKey = ["present"];
/** Hashes of past connections. */
const PAST_CONNECTIONS: StoreKey = ["visits"]; // the name in existing data files
/** When a hub was last known to be alive. Not below the prefix of the users. */
const ALIVE: StoreKey = ["presentAt"];

/** Room for the store's own framing of a value. */
const FRAMING_BYTES = 512;
/** Hashes in one value; eight bytes each. */
const HASHES_PER_VALUE = 4_000;
/** Bytes of events in one commit; small enough to share it with other changes. */
const MAX_BATCH_BYTES = 256 * 1024;
/** The most bytes that numbers, quotes and commas add to the texts of an event. */
const LINE_BYTES = 128;

/** Writes and reads the records of an embedded hub. */
export class EventRecords {
  readonly #options: EventRecordsOptions;
  readonly #maxValueBytes: number;
  readonly #small: SmallValues;
  #stamp = 0;

  constructor(options: EventRecordsOptions) {
    this.#options = options;
    this.#maxValueBytes = options.store.traits.maxValueBytes - FRAMING_BYTES;
    this.#small = new SmallValues(this.#maxValueBytes);
  }

  /**
   * Stores events for at least `keepMs` milliseconds, in parts. Calls `onStored` for each stored
   * part, in order, with the index of its first event and of the one after its last.
   *
   * @throws {ServiceError} `store_unavailable`; the events without a call may be stored or not
   */
  async append(
    events: readonly LoggedEvent[],
    { keepMs, onStored }: {
      readonly keepMs: number;
      readonly onStored: (from: number, to: number) => void;
    },
  ): Promise<void> {
    await Promise.all(
      batches(events).map(async ([from, to]) => {
        const values = this.#valuesOf(events.slice(from, to));
        const { sets = [], deletes = [] } = this.#small.joined(keepMs);
        const added = values.map((each) => ({ ...each, expireInMs: keepMs, isNew: true }));
        await this.#options.commit({ sets: [...sets, ...added], deletes });
        this.#small.stored(values);
        onStored(from, to);
      }),
    );
  }

  /** Yields the stored events that have not expired, in order. */
  async *readEvents(): AsyncGenerator<readonly LoggedEvent[]> {
    let pieces: Uint8Array[] = [];
    for await (const { key, value } of this.#options.store.list<Uint8Array>({ prefix: EVENTS })) {
      const [, stamp, part, parts] = key.map(Number);
      this.#stamp = Math.max(this.#stamp, stamp!);
      if (part === 0) pieces = [];
      pieces.push(value);
      // Where one part has expired before the others, all of them are too old.
      if (pieces.length === parts && part === parts - 1) yield unpackEvents(pieces);
    }
  }

  /** Writes or deletes the record of a user, and that the hub was alive `at` (epoch ms). */
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

  async *readUsers(): AsyncGenerator<UserName & { readonly state: StoredUser }> {
    for await (const { key, value } of this.#options.store.list<StoredUser>({ prefix: PRESENT })) {
      yield { context: String(key[1]), user: String(key[2]), state: value };
    }
  }

  /** Stores hashes of past connections for `keepMs` milliseconds. */
  async saveConnections(hashes: readonly number[], keepMs: number): Promise<void> {
    const writes: Promise<void>[] = [];
    for (let at = 0; at < hashes.length; at += HASHES_PER_VALUE) {
      const key = [...PAST_CONNECTIONS, hashes[at]!, at];
      const part = new Float64Array(hashes.slice(at, at + HASHES_PER_VALUE));
      const set = { key, value: new Uint8Array(part.buffer), expireInMs: keepMs };
      // Each in a call of its own, because all of them may be more than the store takes at once.
      writes.push(this.#options.commit({ sets: [set] }));
    }
    await Promise.all(writes);
  }

  /** Yields the hashes of past connections that have not expired. */
  async *readConnections(): AsyncGenerator<readonly number[]> {
    for await (
      const { value } of this.#options.store.list<Uint8Array>({ prefix: PAST_CONNECTIONS })
    ) {
      yield [...new Float64Array(new Uint8Array(value).buffer)];
    }
  }

  /** Writes that the hub was alive `at` (epoch milliseconds). */
  saveAlive(at: number): Promise<void> {
    return this.#options.commit({ sets: [{ key: ALIVE, value: { v: 1, at } }] });
  }

  /** Returns when a hub last wrote anything here (epoch milliseconds); 0: never. */
  async readAlive(): Promise<number> {
    const { store } = this.#options;
    const entry = await store.get<{ readonly at: number }>(ALIVE);
    let at = entry?.value.at ?? 0;
    for await (const { key } of store.list({ prefix: EVENTS, reverse: true, limit: 1 })) {
      at = Math.max(at, Math.floor(Number(key[1]) / OFFSETS_PER_MS));
    }
    return at;
  }

  #valuesOf(events: readonly LoggedEvent[]) {
    const stamp = this.#stamp = Math.max(this.#stamp + 1, events[0]!.offset);
    return cutBytes(packEvents(events), this.#maxValueBytes).map((value, part, { length }) => ({
      key: [...EVENTS, stamp, part, length],
      value,
    }));
  }
}

/** Splits events into runs for one commit each: from the first index to before the second. */
function batches(events: readonly LoggedEvent[]): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  let from = 0;
  let bytes = 0;
  events.forEach(({ args, id, user, collapseKey = "" }, at) => {
    // At three bytes a character, should they all be beyond ASCII.
    const size = LINE_BYTES + 3 * (args.length + id.length + user.length + collapseKey.length);
    if (at > from && bytes + size > MAX_BATCH_BYTES) {
      found.push([from, at]);
      from = at;
      bytes = 0;
    }
    bytes += size;
  });
  found.push([from, events.length]);
  return found;
}
