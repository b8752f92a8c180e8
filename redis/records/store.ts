/**
 * The store on Redis. Records share one hash slot, because a commit may check and change any of
 * them together: configuration, subscriptions, jobs and credentials are small beside buffer and
 * event logs, which spread over the slots. Standalone records, which are many and each alone in its
 * commit, spread as well. A commit is one script. Lists are read in pages; a record that expires
 * meanwhile is left out.
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
import {
  isStandalone,
  standaloneCommitOf,
  type StandaloneFamilies,
  standaloneKey,
} from "./_standalone.ts";
import { COMMIT, COMMIT_STANDALONE, expiry } from "./_scripts.ts";
import { decodeValue, encodeValue } from "./_values.ts";
import { keyIn } from "../keys.ts";
import type { RedisLink, Reply } from "../link.ts";

const TAG = "records";
const COUNTER = keyIn(TAG, "version");
const INDEX = keyIn(TAG, "index");
const EXPIRIES = keyIn(TAG, "expiries");
/** The prefix of a record's key. */
const RECORD = keyIn(TAG, "r", "");
/** Records read at once for a list. */
const PAGE = 100;

/** Redis would accept far more, but while one command runs all others wait. */
const LIMITS = {
  maxValueBytes: 262_144,
  maxCommitChanges: 1_000,
  maxCommitBytes: 2_097_152,
  maxGetMany: 100,
} as const;

interface RedisStoreOptions {
  /**
   * First parts of the keys of standalone records, which are in no list and alone in every commit.
   * Part of the stored format: nodes that disagree about it must not share a Redis.
   *
   * @default {[]}
   */
  readonly standalone?: StandaloneFamilies;
}

/** A store on a link, which the caller keeps and closes. Records expire by the servers' clock. */
export class RedisStore implements Store {
  readonly traits: CommitTraits = { ...LIMITS, durable: true, shared: true };
  readonly #link: Pick<RedisLink, "run" | "send">;
  readonly #standalone: StandaloneFamilies;
  #closed = false;

  constructor(link: Pick<RedisLink, "run" | "send">, { standalone = [] }: RedisStoreOptions = {}) {
    this.#link = link;
    this.#standalone = standalone;
  }

  async get<T>(key: StoreKey): Promise<StoreEntry<T> | undefined> {
    const name = isStandalone(key, this.#standalone) ? standaloneKey(key) : recordKey(key);
    return entryOf<T>(key, await this.#send(name, ["GET", name]));
  }

  async getMany<T>(keys: readonly StoreKey[]): Promise<readonly (StoreEntry<T> | undefined)[]> {
    this.#checkOpen();
    const together = keys.filter((key) => !isStandalone(key, this.#standalone));
    const alone = keys.filter((key) => isStandalone(key, this.#standalone));
    const [read, got] = await Promise.all([
      this.#readAll<T>(together),
      Promise.all(alone.map((key) => this.get<T>(key))),
    ]);
    const [fromRead, fromGot] = [read.values(), got.values()];
    return keys.map((key) =>
      (isStandalone(key, this.#standalone) ? fromGot : fromRead).next().value
    );
  }

  async *list<T>(range: ListRange): AsyncGenerator<StoreEntry<T>> {
    if (isStandalone(range.prefix, this.#standalone)) {
      throw new Error(`Cannot list records of '${range.prefix[0]}': they are standalone`);
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
    const standalone = standaloneCommitOf(commit, this.#standalone);
    const done = standalone === undefined
      ? await this.#commitTogether(commit)
      : await this.#link.run(COMMIT_STANDALONE, [standaloneKey(standalone.key)], standalone.args);
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
