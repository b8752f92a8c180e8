/** The keys of what users see: when they may be disturbed, in which language, and their inboxes. */

import { canonicalLocale } from "../core/locale.ts";
import { isTimeSpan } from "../core/quiet_hours.ts";
import { isTimeZone } from "../core/time_zone.ts";
import { topicFault } from "../core/topic.ts";
import { boolean, choice, integer, list, string } from "./key_spec.ts";

const PER_CLIENT = { cascade: true, perClient: true } as const;

/** The keys of time zone and quiet hours. */
export const ATTENTION_KEYS = {
  "io.carillon.timeZone": string("UTC", {
    text: "Time zone of the user, by its IANA name, for quiet hours and delivery at a local time.",
    example: "Europe/Berlin",
    cascade: true,
    check: (name) => isTimeZone(name) ? undefined : "a time zone such as 'Europe/Berlin'",
  }),
  "io.carillon.locale": string("", {
    text:
      "Language of the user, for messages to subscriptions that name none: a tag such as `de` or " +
      "`pt-BR`. A template without texts for it is used for the shorter tag, or as it is.",
    example: "de-CH",
    cascade: true,
    check: (tag) =>
      canonicalLocale(tag) === undefined ? "a language tag such as 'de-CH'" : undefined,
  }),
  "io.carillon.quietHours.times": list([], {
    text:
      "When phones and browsers are to be quiet, in the user's time zone. Open sockets receive " +
      "their events all the same. May be followed by `.<client>` and `.<client>.<topic>`.",
    example: "22:00-07:00",
    ...PER_CLIENT,
    check: (item) => isTimeSpan(item) ? undefined : "a time span such as '22:00-07:00'",
  }),
  "io.carillon.quietHours.action": choice("hold", {
    text:
      "What becomes of a message in quiet hours. `drop`: nothing. `silent`: it is sent without " +
      "anything to show. `hold`: it is sent afterwards, several of one device as one digest.",
    example: "silent",
    choices: ["drop", "silent", "hold"],
    ...PER_CLIENT,
  }),
  "io.carillon.quietHours.breakThrough": boolean(false, {
    text: "Whether notifications of priority `high` ignore quiet hours. A publish without a " +
      "priority has this one.",
    example: "true",
    ...PER_CLIENT,
  }),
};

/** The keys of the users' inboxes, below `io.carillon.inbox.`. */
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
