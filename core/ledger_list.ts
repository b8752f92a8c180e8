/** Lists of notifications for operators: the newest first, in pages, with bounded work for each. */

import type { LedgerRecord, NotificationState } from "./ledger.ts";
import type { Notification } from "./notification.ts";
import { topicsMatch } from "./topic.ts";

/** Which notifications to list; an absent field matches all. */
export interface LedgerQuery {
  /** The contexts that the caller may see; absent for all. */
  readonly contexts?: ReadonlySet<string>;
  readonly context?: string;
  readonly user?: string;
  /** A topic or a pattern. */
  readonly topic?: string;
  readonly state?: NotificationState;
  /** The cursor of the previous page: only notifications with smaller ids. */
  readonly before?: string;
  readonly limit: number;
}

/** A page of notifications, newest first. */
export interface LedgerPage {
  readonly items: readonly (LedgerRecord | Notification)[];
  /** The cursor of the next page; absent on the last one. */
  readonly next?: string;
  /** How many notifications were read for this page. */
  readonly searched: number;
  /** Set where the page is shorter than `limit` because the work for one page is bounded. */
  readonly stopped?: true;
  /** Set where some notifications of a busy minute were not read. */
  readonly sampled?: true;
}

/** The most notifications that are read for one page. */
export const MAX_SEARCHED = 20_000;

/** Whether a notification in flight or a record matches a query. */
export function matchesQuery(found: LedgerRecord | Notification, query: LedgerQuery): boolean {
  const { state } = query;
  return matchesUserAndTopic(found, query) &&
    (state === undefined || state === ("state" in found ? found.state : "in_flight"));
}

/** Whether a notification matches a query, whatever its state. */
export function matchesUserAndTopic(
  found: Pick<Notification, "context" | "user" | "topic">,
  { contexts, context, user, topic }: LedgerQuery,
): boolean {
  return (context === undefined || found.context === context) &&
    (user === undefined || found.user === user) &&
    (contexts === undefined || contexts.has(found.context)) &&
    (topic === undefined || topicsMatch([topic], found.topic));
}
