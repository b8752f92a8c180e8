/** The keys that say when and how users may be disturbed, for users, clients and topics. */

import { canonicalLocale } from "../core/locale.ts";
import { isTimeSpan } from "../core/quiet_hours.ts";
import { isTimeZone } from "../core/time_zone.ts";
import { boolean, choice, list, string } from "./key_spec.ts";

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
