/** The keys of the users' inboxes, below `io.carillon.inbox.`. */

import { topicFault } from "../core/topic.ts";
import { integer, list } from "./key_spec.ts";

/** The keys of the users' inboxes. */
export const INBOX_KEYS = {
  "io.carillon.inbox.topics": list([], {
    text: "Topics, or patterns such as `acme:*`, whose notifications are kept in their users' " +
      "inboxes (`GET /v1/inbox`). Empty: none is kept.",
    example: "ox:mail:*, acme:invoice:paid",
    cascade: true,
    check: (item) =>
      topicFault(item) === undefined ? undefined : "a topic or a pattern such as 'acme:*'",
  }),
  "io.carillon.inbox.maxItems": integer(100, {
    text: "How many notifications an inbox keeps; the oldest go first.",
    example: "50",
    range: [1, 500],
  }),
  "io.carillon.inbox.retentionDays": integer(30, {
    text: "How long a notification stays in an inbox.",
    example: "7",
    unit: "days",
    range: [1, 365],
  }),
};
