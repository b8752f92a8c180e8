/**
 * Stores subscriptions. It keeps the original's rules: a token belongs to one user per client and
 * transport, the last subscriber wins, and subscribing again replaces the topics. It removes
 * changed users from the matcher's cache. Open sockets are not stored here.
 */

import type { Change as SharedChange } from "../core/change_feed.ts";
import { sleep } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { UserName } from "../core/events.ts";
import type { IdSource } from "../core/ids.ts";
import type { Commit, Store } from "../core/store.ts";
import type { Subscription, Target, TransportName } from "../core/subscription.ts";
import { serializedBytes } from "../core/stored_size.ts";
import type { SystemDeps } from "../core/system_deps.ts";
import { isLive, sameToken, withoutDead, withRenewedToken, withRequest } from "./_edits.ts";
import { addressOf } from "./_addresses.ts";
import {
  commitOf,
  type Document,
  documentKey,
  documentOf,
  earlierTokenKeys,
  EXPIRIES,
  idKey,
  type IndexRecord,
  type Loaded,
  loaded,
  type SubscriptionChange,
  tokenKey,
} from "./_records.ts";
import type { CandidateCache } from "./candidates.ts";
import {
  findSubscription,
  type ListQuery,
  listSubscriptions,
  type SubscriptionPage,
} from "./listing.ts";
import { checkSubscribeRequest, type SubscribeRequest } from "./request.ts";

interface RepositoryOptions extends Pick<SystemDeps, "clock" | "random"> {
  readonly store: Store;
  /** The matcher's cache; changed users are invalidated. */
  readonly candidates: Pick<CandidateCache, "invalidate">;
  /** Called for each user whose subscriptions were, or may have been, changed here. */
  readonly onChanged?: (change: SharedChange) => void;
  readonly newId: IdSource;
  /** @default {100} */
  readonly maxPerUser?: number;
}

interface UnsubscribeRequest extends UserName {
  readonly token: string;
  /** Absent: all transports. */
  readonly transport?: TransportName;
  /** Absent: all clients. */
  readonly client?: string;
}

/** The effect of a provider's new token; `dropped`: it was already subscribed. */
type Replacement = "replaced" | "dropped" | "unchanged";

/** The result of an operation and the changes to commit for it. */
interface Plan<R> {
  readonly result: R;
  readonly changes: readonly SubscriptionChange[];
  readonly checks?: Commit["checks"];
}

const MAX_ATTEMPTS = 10;
const FIRST_WAIT_MS = 2;
const SWEEP_BATCH = 1000;
/** Room for the store's own framing of a value. */
const FRAMING_BYTES = 512;

/**
 * Reads and changes stored subscriptions. Every method may throw `store_unavailable`; those that
 * change something also `conflict`, where concurrent changes of the same user do not stop.
 */
export class SubscriptionRepository {
  readonly #options: RepositoryOptions;
  readonly #store: Store;

  constructor(options: RepositoryOptions) {
    this.#options = options;
    this.#store = options.store;
  }

  /**
   * Subscribes, or replaces the subscription with the same token. The same commit removes the token
   * from another user who had it.
   *
   * @throws {ServiceError} `invalid_topic`, `invalid_request`, `too_many_subscriptions`
   */
  async subscribe(
    request: SubscribeRequest,
    { maxPerClient }: { readonly maxPerClient?: number | undefined } = {},
  ): Promise<{ readonly subscription: Subscription; readonly created: boolean }> {
    const { clock, newId, maxPerUser = 100 } = this.#options;
    const checked = checkSubscribeRequest(request, clock.now());
    const keys = [tokenKey(checked), ...earlierTokenKeys(checked)];
    return await this.#change(async () => {
      const [document, ...tokens] = await this.#store.getMany<unknown>([
        documentKey(checked),
        ...keys,
      ]);
      const before = loaded(checked, document as Parameters<typeof loaded>[1]);
      const { after, subscription } = withRequest(before.subscriptions, checked, {
        now: clock.now(),
        newId,
        max: maxPerUser,
        maxPerClient,
      });
      this.#checkSize(after);
      const changes: SubscriptionChange[] = [{ before, after }];
      const others = tokens.map((token) => token?.value as IndexRecord | undefined);
      const owner = others.find((one) => one !== undefined && !sameOwner(one, checked));
      if (owner !== undefined) {
        const other = await this.#load(owner);
        changes.push({
          before: other,
          after: other.subscriptions.filter((one) => !sameToken(one, checked)),
        });
      }
      const created = !before.subscriptions.some(({ id }) => id === subscription.id);
      return {
        result: { subscription, created },
        changes,
        checks: keys.map((key, at) => ({ key, version: tokens[at]?.version ?? null })),
      };
    });
  }

  /** Removes a user's token and returns the number of removed subscriptions. */
  unsubscribe({ token, transport, client, ...owner }: UnsubscribeRequest): Promise<number> {
    return this.#edit(
      owner,
      (subscriptions) =>
        subscriptions.filter((one) =>
          addressOf(one) !== addressOf({ ...one, token }) ||
          (transport !== undefined && one.transport !== transport) ||
          (client !== undefined && one.client !== client)
        ),
    );
  }

  /** Removes a subscription; false where it does not exist. */
  async delete(id: string): Promise<boolean> {
    const index = await this.#store.get<IndexRecord>(idKey(id));
    if (index === undefined) return false;
    const dropped = await this.#edit(
      index.value,
      (subscriptions) => subscriptions.filter((one) => one.id !== id),
    );
    return dropped > 0;
  }

  /**
   * Removes a subscription whose token a provider reported dead. It stays where its token has
   * changed, or the client has confirmed the token after `refreshedBy` (epoch milliseconds; by
   * default the target's). True where it was removed.
   */
  async remove(target: Target, refreshedBy: number = target.refreshedAt): Promise<boolean> {
    const dropped = await this.#edit(
      target,
      (subscriptions) => withoutDead(subscriptions, { target, refreshedBy }),
    );
    return dropped > 0;
  }

  /**
   * Stores the new token that a provider named (GCM's canonical ids), in canonical form. Where any
   * user has subscribed it already, the old one is removed.
   */
  replaceToken(target: Target, token: string): Promise<Replacement> {
    if (token === target.token) return Promise.resolve("unchanged");
    const key = tokenKey({ ...target, token });
    return this.#change<Replacement>(async () => {
      const before = await this.#load(target);
      const owner = await this.#store.get<IndexRecord>(key);
      const taken = owner !== undefined;
      const now = this.#options.clock.now();
      const after = withRenewedToken(before.subscriptions, { target, token, taken, now });
      const found = after.some((one) => !before.subscriptions.includes(one)) ||
        after.length < before.subscriptions.length;
      if (!found) return { result: "unchanged", changes: [] };
      return {
        result: taken ? "dropped" : "replaced",
        changes: [{ before, after }],
        checks: [{ key, version: owner?.version ?? null }],
      };
    });
  }

  get(id: string): Promise<Subscription | undefined> {
    return findSubscription(this.#store, { id, now: this.#options.clock.now() });
  }

  /** @throws {ServiceError} `invalid_request` */
  list(query: ListQuery): Promise<SubscriptionPage> {
    return listSubscriptions(this.#store, { ...query, now: this.#options.clock.now() });
  }

  /**
   * Removes up to 1,000 subscriptions that had expired at a time (epoch milliseconds), and returns
   * their number; 0 where none is left.
   */
  async sweepExpired(now: number): Promise<number> {
    const due = { prefix: [EXPIRIES], end: [EXPIRIES, now + 1], limit: SWEEP_BATCH };
    const owners = new Map<string, UserName>();
    for await (const { value } of this.#store.list<IndexRecord>(due)) {
      owners.set(JSON.stringify([value.context, value.user]), value);
    }
    let dropped = 0;
    for (const owner of owners.values()) {
      dropped += await this.#edit(owner, (all) => all.filter((one) => isLive(one, now)));
    }
    return dropped;
  }

  /** Changes one user's document and returns by how many subscriptions it got shorter. */
  #edit(
    owner: UserName,
    edit: (subscriptions: readonly Subscription[]) => readonly Subscription[],
  ): Promise<number> {
    return this.#change(async () => {
      const before = await this.#load(owner);
      const after = edit(before.subscriptions);
      const result = before.subscriptions.length - after.length;
      return { result, changes: result === 0 ? [] : [{ before, after }] };
    });
  }

  /** Plans and commits, and repeats both after a conflict. */
  async #change<R>(plan: () => Promise<Plan<R>>): Promise<R> {
    const { clock, random, candidates, onChanged } = this.#options;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const { result, changes, checks = [] } = await plan();
      if (changes.length === 0) return result;
      const commit = commitOf(changes);
      let done: boolean | undefined;
      try {
        done = await this.#store.commit({
          ...commit,
          checks: [...commit.checks ?? [], ...checks],
        });
      } finally {
        // Also after a failure: the commit may have succeeded.
        for (const { before: { owner: { context, user } } } of changes) {
          candidates.invalidate({ context, user });
          if (done !== false) onChanged?.({ kind: "subscriptions", context, user });
        }
      }
      if (done) return result;
      await sleep(clock, random() * FIRST_WAIT_MS * 2 ** attempt);
    }
    const message = "Cannot change the subscriptions: too many concurrent changes";
    throw new ServiceError("conflict", message, { retryAfterSeconds: 1 });
  }

  async #load(owner: UserName): Promise<Loaded> {
    return loaded(owner, await this.#store.get<Document>(documentKey(owner)));
  }

  #checkSize(subscriptions: readonly Subscription[]): void {
    const bytes = serializedBytes(documentOf(subscriptions));
    if (bytes + FRAMING_BYTES <= this.#store.traits.maxValueBytes) return;
    throw new ServiceError(
      "too_many_subscriptions",
      "Cannot subscribe: the user's subscriptions are too large in total",
    );
  }
}

function sameOwner(a: UserName, b: UserName): boolean {
  return a.context === b.context && a.user === b.user;
}
