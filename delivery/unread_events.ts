/** Informs the open connections of users how many notifications in their inboxes are unread. */

import type { EventHub, UserEvent, UserName } from "../core/events.ts";
import type { IdSource } from "../core/ids.ts";
import { clientsOf } from "../core/socket_events.ts";
import type { InboxChange } from "../inbox/mod.ts";

/** The event with which a user's connections learn how many notifications in the inbox are unread. */
const UNREAD_TOPIC = "carillon:inbox";

/**
 * Sends the number of unread notifications to the open connections of users.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function publishUnread(
  changes: readonly InboxChange[],
  { sockets, ids }: {
    readonly sockets: Pick<EventHub, "presence" | "publish">;
    readonly ids: IdSource;
  },
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
