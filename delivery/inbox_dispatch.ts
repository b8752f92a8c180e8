/**
 * Puts notifications into their users' inboxes before they are dispatched, and then informs the users'
 * open connections how many are unread. A batch whose dispatch fails is handed over again; the inbox
 * knows what it has.
 */

import type { Handover } from "../buffer/mod.ts";
import type { View } from "../cascade/mod.ts";
import type { Clock } from "../core/clock.ts";
import type { EventHub, UserEvent, UserName } from "../core/events.ts";
import type { IdSource } from "../core/ids.ts";
import type { Notification } from "../core/notification.ts";
import { topicsMatch } from "../core/topic.ts";
import type { Inbox, InboxChange } from "../inbox/mod.ts";
import { clientsOf } from "./dispatch.ts";

type Dispatch = (batch: readonly Notification[], handover: Handover) => Promise<void>;

/** Options of {@link withInbox}. */
interface InboxDispatchOptions {
  readonly inbox: Pick<Inbox, "add">;
  readonly sockets: Pick<EventHub, "presence" | "publish">;
  /** One state of the configuration, kept for a whole batch. */
  readonly configuration: () => {
    view(context: string, user: string): Pick<View, "get"> | Promise<Pick<View, "get">>;
  };
  readonly clock: Pick<Clock, "now">;
  readonly ids: IdSource;
}

/** The event with which a user's connections learn how many notifications in the inbox are unread. */
const UNREAD_TOPIC = "carillon:inbox";

/** Returns a dispatch that keeps inboxes as well. */
export function withInbox(dispatch: Dispatch, options: InboxDispatchOptions): Dispatch {
  const { inbox, configuration, clock } = options;

  async function kept(batch: readonly Notification[]): Promise<readonly Notification[]> {
    const snapshot = configuration();
    const found: Notification[] = [];
    // Users of whom nothing is said share a view.
    const known = new Map<unknown, readonly string[]>();
    for (const notification of batch) {
      const { context, user, topic, expiresAt, options } = notification;
      // It takes something back and is nothing to read.
      if (options?.dismiss) continue;
      if (expiresAt !== undefined && clock.now() >= expiresAt) continue;
      const view = snapshot.view(context, user);
      const ready = view instanceof Promise ? await view : view;
      let topics = known.get(ready);
      if (!topics) known.set(ready, topics = ready.get("io.carillon.inbox.topics"));
      if (topics.length > 0 && topicsMatch(topics, topic)) found.push(notification);
    }
    return found;
  }

  return async (batch, handover) => {
    const notifications = await kept(batch);
    if (notifications.length === 0) return await dispatch(batch, handover);
    const changes = await inbox.add(notifications);
    await dispatch(batch, handover);
    await publishUnread(changes.filter(({ changed }) => changed), options);
  };
}

/**
 * Sends the number of unread notifications to the open connections of users.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function publishUnread(
  changes: readonly InboxChange[],
  { sockets, ids }: Pick<InboxDispatchOptions, "sockets" | "ids">,
): Promise<void> {
  if (changes.length === 0) return;
  const users: readonly UserName[] = changes;
  const presence = await sockets.presence(users);
  const events = changes.flatMap(({ context, user, unread }, at): UserEvent[] => {
    const clients = clientsOf(presence[at]!);
    if (clients.length === 0) return [];
    return [{ context, user, id: ids(), clients, args: `"${UNREAD_TOPIC}",{"unread":${unread}}` }];
  });
  if (events.length > 0) await sockets.publish(events, { isRepeat: false, isClaimed: false });
}
