/**
 * API keys of publishers and operators. All are in memory, so that a check costs a hash and a
 * look-up; the store has their hashes. The secret is shown once, when the key is created.
 */

import { equalsInConstantTime } from "../core/constant_time.ts";
import type { Change } from "../core/change_feed.ts";
import type { Clock } from "../core/clock.ts";
import { type Fault, refuseFaults, ServiceError } from "../core/errors.ts";
import { type Principal, type Scope, SCOPES } from "../core/principal.ts";
import { LruCache } from "../core/lru_cache.ts";
import type { Store } from "../core/store.ts";
import { hashSecret, idOfSecret, mintSecret } from "./_secrets.ts";

/** An API key without its secret. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Contexts that it is limited to; absent for all. */
  readonly contexts?: readonly string[];
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Epoch milliseconds; absent where it does not expire. */
  readonly expiresAt?: number;
}

type ApiKeyRequest = Omit<ApiKey, "id" | "createdAt">;

interface ApiKeysOptions {
  readonly store: Store;
  readonly clock: Pick<Clock, "now">;
  /** A fixed admin key that is never stored; at least 16 characters. */
  readonly adminKey?: string;
  /** Called when a key is created or revoked on this node. */
  readonly onChanged?: (change: Change) => void;
}

interface Stored extends ApiKey {
  readonly v: 1;
  readonly hash: string;
}

interface Known {
  readonly key: ApiKey;
  readonly hash: string;
  readonly principal: Principal;
}

const PREFIX = "car";
const RECORDS = "apiKey";
/** Changes when a first key is created, so that two nodes do not both create one. */
const FIRST_KEY = ["firstApiKey"];
const MAX_KEYS = 10_000;
const MAX_NAME = 100;
const MAX_CONTEXTS = 100;
const MAX_VERIFIED = 1_000;
const MIN_ADMIN_KEY = 16;

/** The API keys in a store, which it borrows. What uses that may throw `store_unavailable`. */
export class ApiKeys {
  readonly #store: Store;
  readonly #clock: Pick<Clock, "now">;
  readonly #fixed: Known | undefined;
  readonly #onChanged: (() => void) | undefined;
  #known = new Map<string, Known>();
  /** Secrets that were verified, so that the next request need not hash. */
  readonly #verified = new LruCache<Known>(MAX_VERIFIED);
  /** Counts changes on this node, so that a reload that overlapped one is repeated. */
  #writes = 0;
  /** Reloads begun, and the latest one that was applied: an older one must not replace it. */
  #reloads = 0;
  #applied = 0;

  /** Contains only the fixed key until {@link ApiKeys.reload}; prefer {@link ApiKeys.load}. */
  constructor({ store, clock, adminKey, onChanged }: ApiKeysOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#onChanged = onChanged && (() => onChanged({ kind: "apiKeys" }));
    this.#fixed = adminKey === undefined ? undefined : fixedKey(adminKey);
  }

  /**
   * Reads all keys.
   *
   * @throws {ServiceError} `invalid_configuration` where the fixed key is too short,
   * `store_unavailable`
   */
  static async load(options: ApiKeysOptions): Promise<ApiKeys> {
    const keys = new ApiKeys(options);
    await keys.reload();
    return keys;
  }

  /** Reads all keys again, because another node may have changed them. */
  async reload(): Promise<void> {
    for (;;) {
      const writes = this.#writes;
      const reload = ++this.#reloads;
      const known = new Map<string, Known>();
      for await (const { value } of this.#store.list<Stored>({ prefix: [RECORDS] })) {
        known.set(value.id, knownKey(value));
      }
      if (writes !== this.#writes) continue;
      if (reload > this.#applied) {
        this.#applied = reload;
        this.#known = known;
        this.#verified.clear();
      }
      return;
    }
  }

  /** Returns the principal of a key; undefined where it is unknown or has expired. */
  verify(secret: string): Principal | undefined {
    const known = this.#verified.get(secret) ?? this.#find(secret);
    return known && this.#isLive(known.key) ? known.principal : undefined;
  }

  /**
   * Creates a key. The secret is not stored.
   *
   * @throws {ServiceError} `invalid_request` with each fault, `conflict` where there are too many
   * keys, `store_unavailable`
   */
  async create(request: ApiKeyRequest): Promise<{ readonly key: ApiKey; readonly secret: string }> {
    const minted = await this.#mint(request, {});
    if (minted === undefined) {
      throw new ServiceError("conflict", "Cannot create the key: its id is taken; try again");
    }
    return minted;
  }

  /** Returns the principal with an id, while its key is valid. */
  principal(id: string): Principal | undefined {
    if (this.#fixed?.principal.id === id) return this.#fixed.principal;
    const known = this.#known.get(id.replace(/^key:/, ""));
    return known && this.#isLive(known.key) ? known.principal : undefined;
  }

  /** Returns all keys, including expired ones, the oldest first. */
  list(): readonly ApiKey[] {
    return [...this.#known.values()].map(({ key }) => key)
      .sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  }

  /** Revokes a key; returns false where the id is unknown. */
  async revoke(id: string): Promise<boolean> {
    if (!this.#known.has(id)) return false;
    await this.#store.commit({ deletes: [[RECORDS, id]] });
    this.#writes++;
    this.#verified.clear();
    this.#onChanged?.();
    return this.#known.delete(id);
  }

  /**
   * Creates an admin key if there is none. Returns its secret, to be shown once; undefined where an
   * admin key exists.
   */
  async ensureAdminKey(): Promise<string | undefined> {
    const version = (await this.#store.get(FIRST_KEY))?.version ?? null;
    await this.reload();
    if (this.#fixed !== undefined) return undefined;
    for (const { key } of this.#known.values()) {
      if (key.scopes.includes("admin") && key.contexts === undefined && this.#isLive(key)) {
        return undefined;
      }
    }
    const request: ApiKeyRequest = { name: "first admin key", scopes: [...SCOPES] };
    const minted = await this.#mint(request, { first: version });
    if (minted === undefined) await this.reload();
    return minted?.secret;
  }

  #find(secret: string): Known | undefined {
    const hash = hashSecret(secret);
    const isFixed = this.#fixed !== undefined && equalsInConstantTime(this.#fixed.hash, hash);
    const known = isFixed ? this.#fixed : this.#known.get(idOfSecret(PREFIX, secret) ?? "");
    if (known === undefined || !equalsInConstantTime(known.hash, hash)) return undefined;
    this.#verified.set(secret, known);
    return known;
  }

  /** Returns undefined where the id is taken or another node has created the first key. */
  async #mint(
    request: ApiKeyRequest,
    { first }: { readonly first?: string | null },
  ): Promise<{ readonly key: ApiKey; readonly secret: string } | undefined> {
    const now = this.#clock.now();
    checkRequest(request, now);
    if (this.#known.size >= MAX_KEYS) {
      throw new ServiceError("conflict", `Cannot create a key: there are ${MAX_KEYS} already`);
    }
    const { id, secret, hash } = mintSecret(PREFIX);
    const { name, scopes, contexts, expiresAt } = request;
    const key: ApiKey = {
      id,
      name,
      scopes: SCOPES.filter((scope) => scopes.includes(scope)),
      ...(contexts === undefined ? {} : { contexts: [...contexts] }),
      createdAt: now,
      ...(expiresAt === undefined ? {} : { expiresAt }),
    };
    const stored: Stored = { v: 1, ...key, hash };
    const record = { key: [RECORDS, id], value: stored };
    const done = await this.#store.commit(
      first === undefined ? { checks: [{ key: record.key, version: null }], sets: [record] } : {
        checks: [{ key: FIRST_KEY, version: first }],
        sets: [record, { key: FIRST_KEY, value: { v: 1, id } }],
      },
    );
    if (!done) return undefined;
    this.#known.set(id, knownKey(stored));
    this.#writes++;
    this.#onChanged?.();
    return { key, secret };
  }

  #isLive({ expiresAt }: Pick<ApiKey, "expiresAt">): boolean {
    return expiresAt === undefined || expiresAt > this.#clock.now();
  }
}

/** Whether a text has the form of an API key, valid or not. */
export function isApiKeyShaped(text: string): boolean {
  return text.startsWith(`${PREFIX}_`);
}

function fixedKey(secret: string): Known {
  if (secret.length < MIN_ADMIN_KEY) {
    throw new ServiceError(
      "invalid_configuration",
      `Cannot use the fixed admin key: at least ${MIN_ADMIN_KEY} characters are needed`,
    );
  }
  const key: ApiKey = { id: "fixed", name: "fixed", scopes: SCOPES, createdAt: 0 };
  return knownKey({ v: 1, ...key, hash: hashSecret(secret) });
}

function knownKey({ v: _version, hash, ...key }: Stored): Known {
  const principal: Principal = {
    id: `key:${key.id}`,
    kind: "key",
    scopes: new Set(key.scopes),
    ...(key.contexts === undefined ? {} : { contexts: new Set(key.contexts) }),
  };
  return { key, hash, principal };
}

function checkRequest({ name, scopes, contexts, expiresAt }: ApiKeyRequest, now: number): void {
  const faults: Fault[] = [];
  if (name.length < 1 || name.length > MAX_NAME) {
    faults.push({ path: "name", message: `1 to ${MAX_NAME} characters are needed` });
  }
  if (scopes.length === 0) faults.push({ path: "scopes", message: "at least one scope is needed" });
  const isContext = (context: string) => context !== "" && context.length <= 255;
  if (
    contexts &&
    !(contexts.length >= 1 && contexts.length <= MAX_CONTEXTS && contexts.every(isContext))
  ) {
    const message = `1 to ${MAX_CONTEXTS} contexts of 1 to 255 characters are needed`;
    faults.push({ path: "contexts", message });
  }
  if (expiresAt !== undefined && !(Number.isSafeInteger(expiresAt) && expiresAt > now)) {
    const message = "a time in the future is needed, in epoch milliseconds";
    faults.push({ path: "expiresAt", message });
  }
  refuseFaults("Cannot create the key", faults);
}
