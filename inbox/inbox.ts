/**
 * The inbox: the newest notifications of each user, with what was read. A user has one index record,
 * with the ids in the order of their arrival, and each notification has a record of its own. A commit
 * concerns one record only, so that stores may spread them: the content is written first and then the
 * index, and content that no index names expires by itself. Adding a notification twice changes
 * nothing.
 */

import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { UserName } from "../core/events.ts";
import type { JsonText } from "../core/json.ts";
import { type Notification, userKey } from "../core/notification.ts";
import type { Store, StoreEntry, StoreKey } from "../core/store.ts";
import {
  addTo,
  EMPTY_INDEX,
  type InboxIndex,
  inboxPageOf,
  type Mark,
  markIn,
  type PageRequest,
  unreadIn,
  withoutOld,
} from "./_index.ts";

/** Limits of each user's inbox. */
export interface InboxLimits {
  readonly maxItems: number;
  readonly retentionMs: number;
}

interface InboxOptions {
  readonly store: Store;
  readonly clock: Pick<Clock, "now">;
  readonly limits: () => InboxLimits;
}

/** A notification in an inbox. */
export interface InboxItem {
  readonly id: string;
  readonly topic: string;
  /** Absent where the data were too large for a record. */
  readonly data?: JsonText;
  /** Epoch milliseconds of its arrival. */
  readonly at: number;
  readonly read: boolean;
}

/** A part of an inbox, newest first. */
interface InboxPage {
  readonly items: readonly InboxItem[];
  /** Unread notifications in the whole inbox. */
  readonly unread: number;
  /** The id to continue before; absent at the end. */
  readonly next?: string;
}

/** What a change made of a user's inbox. */
export interface InboxChange extends UserName {
  readonly unread: number;
  readonly changed: boolean;
}

interface StoredContent {
  readonly v: 1;
  readonly topic: string;
  readonly data?: JsonText;
}

/** The first parts of the keys; see `RedisStore`'s standalone records. */
export const INBOX_FAMILIES: readonly string[] = ["inbox", "inboxItem"];

/** Attempts to write an index that others write at the same time. */
const MAX_ATTEMPTS = 20;
/** For what a record holds besides the data. */
const RECORD_BYTES = 1024;

/** The inboxes of all users. */
export class Inbox {
  readonly #options: InboxOptions;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /**
   * Adds notifications, in order. Returns the change for each user among them.
   *
   * @throws {ServiceError} `store_unavailable`; some may have been added all the same
   */
  async add(notifications: readonly Notification[]): Promise<readonly InboxChange[]> {
    await Promise.all(notifications.map((notification) => this.#writeContent(notification)));
    const byUser = Map.groupBy(notifications, ({ context, user }) => userKey(context, user));
    return await Promise.all([...byUser.values()].map((own) => {
      const now = this.#options.clock.now();
      const { maxItems } = this.#options.limits();
      return this.#update(own[0]!, (index) => addTo(index, own, { maxItems, now }));
    }));
  }

  /** @throws {ServiceError} `store_unavailable` */
  async list(user: UserName, request: PageRequest): Promise<InboxPage> {
    const index = this.#current(await this.#read(user));
    const { entries, next } = inboxPageOf(index, request);
    const contents = await this.#options.store.getMany<StoredContent>(
      entries.map(({ id }) => contentKey(user, id)),
    );
    const items = entries.flatMap(({ id, at, read }, place) => {
      const content = contents[place]?.value;
      if (!content) return [];
      const { topic, data } = content;
      return [{ id, topic, at, read, ...(data !== undefined && { data }) }];
    });
    return { items, unread: unreadIn(index), ...(next !== undefined && { next }) };
  }

  /**
   * Marks notifications as read or unread. Unknown ids are ignored.
   *
   * @throws {ServiceError} `store_unavailable`, `conflict`
   */
  async mark(user: UserName, mark: Mark): Promise<InboxChange> {
    return await this.#update(user, (index) => ({ index: markIn(index, mark), dropped: [] }));
  }

  async #update(
    { context, user }: UserName,
    change: (index: InboxIndex) => { index: InboxIndex; dropped: readonly string[] },
  ): Promise<InboxChange> {
    const { store, limits } = this.#options;
    const key = indexKey({ context, user });
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const entry = await this.#read({ context, user });
      const before = this.#current(entry);
      const { index, dropped } = change(before);
      const unread = unreadIn(index);
      if (index === before) return { context, user, unread, changed: false };
      const isWritten = await store.commit({
        checks: [{ key, version: entry?.version ?? null }],
        sets: [{ key, value: index, expireInMs: limits().retentionMs }],
      });
      if (!isWritten) continue;
      await Promise.all(
        dropped.map((id) => store.commit({ deletes: [contentKey({ context, user }, id)] })),
      );
      return { context, user, unread, changed: true };
    }
    throw new ServiceError("conflict", "Cannot change the inbox: others change it all the time");
  }

  async #writeContent({ context, user, id, topic, data }: Notification): Promise<void> {
    const { store, limits } = this.#options;
    const bytes = new TextEncoder().encode(data).length + RECORD_BYTES;
    const value: StoredContent = bytes > store.traits.maxValueBytes
      ? { v: 1, topic }
      : { v: 1, topic, data };
    const key = contentKey({ context, user }, id);
    await store.commit({ sets: [{ key, value, expireInMs: limits().retentionMs }] });
  }

  #read(user: UserName): Promise<StoreEntry<InboxIndex> | undefined> {
    return this.#options.store.get<InboxIndex>(indexKey(user));
  }

  #current(entry: StoreEntry<InboxIndex> | undefined): InboxIndex {
    const { clock, limits } = this.#options;
    return withoutOld(entry?.value ?? EMPTY_INDEX, clock.now() - limits().retentionMs);
  }
}

function indexKey({ context, user }: UserName): StoreKey {
  return ["inbox", context, user];
}

function contentKey({ context, user }: UserName, id: string): StoreKey {
  return ["inboxItem", context, user, id];
}
