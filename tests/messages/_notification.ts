/** Notifications for the tests of messages. */

import type { JsonObject } from "../../core/json.ts";
import type { Notification } from "../../core/notification.ts";

/** The data of the example in the seed. */
export const MAIL = {
  folder: "default0/INBOX",
  id: "113",
  email: "jane.doe@foobar.com",
  displayname: "Jane Doe",
  subject: "Let's meet",
  unread: 83,
  teaser: "Hello",
};

/** A notification of a topic with data. */
export function notificationOf(
  topic: string,
  data: JsonObject,
  more: Partial<Notification> = {},
): Notification {
  return {
    id: "0190163d-8694-739b-aea5-966c26f8ad91",
    context: "1",
    user: "4",
    topic,
    data: JSON.stringify(data),
    priority: "high",
    acceptedAt: Date.UTC(2026, 0, 1),
    ...more,
  };
}
