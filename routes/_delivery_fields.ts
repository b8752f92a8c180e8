/** The fields of a publish that ask for more than delivery, as schemas. */

import { z } from "@hono/zod-openapi";
import { isTimeZone } from "../core/time_zone.ts";
import { groupName, user } from "./_schemas.ts";
import { isLocalTime } from "../delivery/mod.ts";

const instant = z.iso.datetime({
  offset: true,
  error: "must be a time with its offset, or a local one",
})
  .openapi({ example: "2026-12-01T08:00:00+01:00" });

const localTime = z.strictObject({
  local: z.string().refine(isLocalTime, { error: "must be HH:MM or YYYY-MM-DDTHH:MM" })
    .openapi({ example: "08:00" }),
  timeZone: z.string().max(64).refine(isTimeZone, { error: "must be the name of a time zone" })
    .optional().openapi({ example: "Europe/Berlin", description: "Default: the user's own" }),
});

/** The field `deliverAt`. */
export const deliverAt = z.union([instant, localTime]).openapi({
  description: "When to deliver it, at most 30 days ahead. Either all notifications of a request " +
    "have it or none, and at most 400. A local time that daylight saving skips is moved to after " +
    "the gap; of one that it repeats, the earlier is taken. For many users, a local time without " +
    "a zone is the time of each one's own.",
});

/** The field `deliverAt` in a query: a local time is without its time zone, which is the user's. */
export const deliverAtText = z.union([instant, localTime.shape.local]).openapi({
  description: "Explain a publish with `deliverAt`: a time with its offset, or a local one",
  example: "08:00",
});

/** The field `escalate`. */
export const escalate = z.strictObject({ after: z.int().min(1).max(3600) }).openapi({
  description: "Where the user has open sockets, phones and browsers wait `after` seconds, and " +
    "are left alone if a client has acknowledged the event by then",
});

/** The field `receipts`. */
export const receipts = z.boolean().openapi({
  description:
    "Messages carry a token for `POST /v1/receipts`, and sockets are asked to acknowledge",
});

/** The field `users`. */
export const users = z.array(user).min(1).max(10_000).openapi({
  description: "Instead of `user`: up to 10,000 users of the context. They are notified in the " +
    "background; the record has counts, and pages of users",
});

/** The field `audience`. */
export const audience = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("everyone") }),
  z.strictObject({ kind: z.literal("subscribers") }),
  z.strictObject({ kind: z.literal("group"), group: groupName }),
]).openapi({
  description: "Instead of `user`: everyone in the context with a subscription or a session of " +
    "this service, those who subscribe to the topic, or the members of a group",
});

/** The schemas of these fields by their names, for the fast reader. */
export const DELIVERY_FIELDS: Readonly<Record<string, z.ZodType>> = {
  deliverAt,
  escalate,
  receipts,
  users,
  audience,
};
