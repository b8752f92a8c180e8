/**
 * The store on Redis, which every node sees the same. All records are in one hash slot, because a
 * commit may check and change any of them together: configuration, subscriptions, jobs and
 * credentials are little beside the buffer and the event logs, which spread over the slots. A
 * commit is one script; lists are read in pages, and a record that vanishes meanwhile is left out.
 */

import { ServiceError } from "../../core/errors.ts";
import type { Commit, ListRange, Store, StoreEntry, StoreKey } from "../../core/store.ts";
import {
  commitCost,
  type CommitTraits,
  decodeKey,
  encodeKey,
  encodeRange,
} from "../../store/mod.ts";
import { COMMIT } from "./_scripts.ts";
import { decodeValue, encodeValue } from "./_values.ts";
import { keyIn } from "../keys.ts";
import type { RedisLink, Reply } from "../link.ts";

const TAG = "records";
const COUNTER = keyIn(TAG, "version");
const INDEX = keyIn(TAG, "index");
const EXPIRIES = keyIn(TAG, "expiries");
/** Before the text of a record's key. */
const RECORD = keyIn(TAG, "r", "");
/** Records read at once for a list. */
const PAGE = 100;

/** Redis would take far more; while one command runs, though, all others wait. */
const LIMITS = {
  maxValueBytes: 262_144,
  maxCommitChanges: 1_000,
  maxCommitBytes: 2_097_152,
  maxGetMany: 100,
} as const;

/** A store on a link, which it borrows. Records expire by the servers' clock. */
export class RedisStore implements Store {
  readonly traits: CommitTraits = { ...LIMITS, durable: true, shared: true };
  readonly #link: Pick<RedisLink, "run" | "send">;
  #closed = false;

  constructor(link: Pick<RedisLink, "run" | "send">) {
    this.#link = link;
  }

  async get<T>(key: StoreKey): Promise<StoreEntry<T> | undefined> {
    return entryOf<T>(key, await this.#send(["GET", recordKey(encodeKey(key))]));
  }

  async getMany<T>(keys: readonly StoreKey[]): Promise<readonly (StoreEntry<T> | undefined)[]> {
    this.#checkOpen();
    const chunks: Promise<readonly (StoreEntry<T> | undefined)[]>[] = [];
    for (let at = 0; at < keys.length; at += LIMITS.maxGetMany) {
      chunks.push(this.#read<T>(keys.slice(at, at + LIMITS.maxGetMany)));
    }
    return (await Promise.all(chunks)).flat();
  }

  async *list<T>(range: ListRange): AsyncGenerator<StoreEntry<T>> {
    const { lower, upper } = encodeRange(range);
    const { limit = Infinity, reverse = false } = range;
    let [from, to] = [`[${lower}`, `(${upper}`];
    let left = limit;
    while (left > 0) {
      const count = Math.min(left, PAGE);
      const texts = await this.#send(
        reverse
          ? ["ZREVRANGEBYLEX", INDEX, to, from, "LIMIT", 0, count]
          : ["ZRANGEBYLEX", INDEX, from, to, "LIMIT", 0, count],
      ) as readonly string[];
      for (const entry of await this.#read<T>(texts.map(decodeKey))) {
        if (entry === undefined) continue;
        yield entry;
        left--;
      }
      if (texts.length < count) return;
      if (reverse) to = `(${texts.at(-1)}`;
      else from = `(${texts.at(-1)}`;
    }
  }

  async commit(commit: Commit): Promise<boolean> {
    this.#checkOpen();
    commitCost(commit, this.traits);
    const { checks = [], deletes = [], sets = [] } = commit;
    const records = [...checks.map(({ key }) => key), ...deletes, ...sets.map(({ key }) => key)];
    const done = await this.#link.run(
      COMMIT,
      [COUNTER, INDEX, EXPIRIES, ...records.map((key) => recordKey(encodeKey(key)))],
      [
        RECORD.length,
        checks.length,
        deletes.length,
        ...checks.map(({ version }) => version ?? ""),
        ...sets.flatMap(({ value, expireInMs }) => [encodeValue(value), expiry(expireInMs)]),
      ],
    );
    return done === 1;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  async #read<T>(keys: readonly StoreKey[]): Promise<readonly (StoreEntry<T> | undefined)[]> {
    if (keys.length === 0) return [];
    const names = keys.map((key) => recordKey(encodeKey(key)));
    const texts = await this.#send(["MGET", ...names]) as readonly Reply[];
    return keys.map((key, at) => entryOf<T>(key, texts[at] ?? null));
  }

  async #send(command: readonly (string | number)[]): Promise<Reply> {
    this.#checkOpen();
    return await this.#link.send(INDEX, command);
  }

  #checkOpen(): void {
    if (this.#closed) {
      throw new ServiceError("store_unavailable", "Cannot use the store: it is closed");
    }
  }
}

function recordKey(text: string): string {
  return RECORD + text;
}

function entryOf<T>(key: StoreKey, text: Reply): StoreEntry<T> | undefined {
  if (typeof text !== "string") return undefined;
  const end = text.indexOf("\n");
  return { key, value: decodeValue(text.slice(end + 1)) as T, version: text.slice(0, end) };
}

/** Redis takes whole milliseconds, at least one, and it must never be early. */
function expiry(expireInMs: number | undefined): number | "" {
  return expireInMs === undefined ? "" : Math.max(1, Math.ceil(expireInMs));
}
