/**
 * The store on Redis, which every node sees the same. Records are in one hash slot, because a
 * commit may check and change any of them together: configuration, subscriptions, jobs and
 * credentials are little beside the buffer and the event logs, which spread over the slots. Loose
 * records, which are many and each alone in its commit, spread as well. A commit is one script;
 * lists are read in pages, and a record that vanishes meanwhile is left out.
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
import { type Families, isLoose, looseCommitOf, looseKey } from "./_loose.ts";
import { COMMIT, COMMIT_LOOSE, expiry } from "./_scripts.ts";
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

/** How records are kept. */
interface RedisStoreOptions {
  /**
   * First parts of the keys of records that are in no list, and alone in every commit that is about
   * them. Part of the data's format: nodes that disagree about it must not share a Redis.
   *
   * @default {[]}
   */
  readonly loose?: Families;
}

/** A store on a link, which it borrows. Records expire by the servers' clock. */
export class RedisStore implements Store {
  readonly traits: CommitTraits = { ...LIMITS, durable: true, shared: true };
  readonly #link: Pick<RedisLink, "run" | "send">;
  readonly #loose: Families;
  #closed = false;

  constructor(link: Pick<RedisLink, "run" | "send">, { loose = [] }: RedisStoreOptions = {}) {
    this.#link = link;
    this.#loose = loose;
  }

  async get<T>(key: StoreKey): Promise<StoreEntry<T> | undefined> {
    const name = isLoose(key, this.#loose) ? looseKey(key) : recordKey(key);
    return entryOf<T>(key, await this.#send(name, ["GET", name]));
  }

  async getMany<T>(keys: readonly StoreKey[]): Promise<readonly (StoreEntry<T> | undefined)[]> {
    this.#checkOpen();
    const together = keys.filter((key) => !isLoose(key, this.#loose));
    const alone = keys.filter((key) => isLoose(key, this.#loose));
    const [read, got] = await Promise.all([
      this.#readAll<T>(together),
      Promise.all(alone.map((key) => this.get<T>(key))),
    ]);
    const [fromRead, fromGot] = [read.values(), got.values()];
    return keys.map((key) => (isLoose(key, this.#loose) ? fromGot : fromRead).next().value);
  }

  async *list<T>(range: ListRange): AsyncGenerator<StoreEntry<T>> {
    if (isLoose(range.prefix, this.#loose)) {
      throw new Error(`Cannot list records of '${range.prefix[0]}': they are loose`);
    }
    const { lower, upper } = encodeRange(range);
    const { limit = Infinity, reverse = false } = range;
    let [from, to] = [`[${lower}`, `(${upper}`];
    let left = limit;
    while (left > 0) {
      const count = Math.min(left, PAGE);
      const texts = await this.#send(
        INDEX,
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
    const loose = looseCommitOf(commit, this.#loose);
    const done = loose === undefined
      ? await this.#commitTogether(commit)
      : await this.#link.run(COMMIT_LOOSE, [looseKey(loose.key)], loose.args);
    return done === 1;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  async #commitTogether(commit: Commit): Promise<Reply> {
    const { checks = [], deletes = [], sets = [] } = commit;
    const records = [...checks.map(({ key }) => key), ...deletes, ...sets.map(({ key }) => key)];
    return await this.#link.run(
      COMMIT,
      [COUNTER, INDEX, EXPIRIES, ...records.map(recordKey)],
      [
        RECORD.length,
        checks.length,
        deletes.length,
        ...checks.map(({ version }) => version ?? ""),
        ...sets.flatMap(({ value, expireInMs }) => [encodeValue(value), expiry(expireInMs)]),
      ],
    );
  }

  async #readAll<T>(keys: readonly StoreKey[]): Promise<readonly (StoreEntry<T> | undefined)[]> {
    const chunks: Promise<readonly (StoreEntry<T> | undefined)[]>[] = [];
    for (let at = 0; at < keys.length; at += LIMITS.maxGetMany) {
      chunks.push(this.#read<T>(keys.slice(at, at + LIMITS.maxGetMany)));
    }
    return (await Promise.all(chunks)).flat();
  }

  async #read<T>(keys: readonly StoreKey[]): Promise<readonly (StoreEntry<T> | undefined)[]> {
    if (keys.length === 0) return [];
    const texts = await this.#send(INDEX, ["MGET", ...keys.map(recordKey)]) as readonly Reply[];
    return keys.map((key, at) => entryOf<T>(key, texts[at] ?? null));
  }

  async #send(name: string, command: readonly (string | number)[]): Promise<Reply> {
    this.#checkOpen();
    return await this.#link.send(name, command);
  }

  #checkOpen(): void {
    if (this.#closed) {
      throw new ServiceError("store_unavailable", "Cannot use the store: it is closed");
    }
  }
}

function recordKey(key: StoreKey): string {
  return RECORD + encodeKey(key);
}

function entryOf<T>(key: StoreKey, text: Reply): StoreEntry<T> | undefined {
  if (typeof text !== "string") return undefined;
  const end = text.indexOf("\n");
  return { key, value: decodeValue(text.slice(end + 1)) as T, version: text.slice(0, end) };
}
