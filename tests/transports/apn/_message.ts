/** Messages and targets of the APNs tests. */

import type { Message } from "../../../core/message.ts";
import type { Target } from "../../../core/subscription.ts";

export const ID = "019b76da-a800-7000-8000-000000000001";
export const TOKEN = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";

/** The seed's new mail, as a message generator would make it. */
export const MAIL: Message = {
  id: ID,
  topic: "ox:mail:new",
  data: {
    folder: "default0/INBOX",
    id: "113",
    email: "jane.doe@foobar.com",
    displayname: "Jane Doe",
    subject: "Let's meet",
    unread: 83,
    teaser: "Hello",
  },
  priority: "high",
  silent: false,
  title: "Jane Doe",
  body: "Let's meet\nHello",
  badge: 83,
  sound: "default",
  thread: "default0/INBOX",
  category: "new-message-category",
};

/** Wakes the app to fetch what changed. */
export const CALENDAR: Message = {
  id: ID,
  topic: "ox:calendar:updates",
  data: { folders: ["cal://0/216759", "cal://0/30"] },
  priority: "medium",
  silent: true,
};

export const TARGET: Target = {
  context: "1",
  user: "3",
  client: "myiosclient",
  transport: "apn",
  token: TOKEN,
  subscriptionId: "019b76da-a800-7000-8000-000000000002",
  refreshedAt: Date.UTC(2026, 0, 1),
};
