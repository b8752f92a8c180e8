/** The schemas that several routes share. They validate requests; OpenAPI is generated from them. */

import { z } from "@hono/zod-openapi";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { MAX_DEPTH } from "../core/json_scanner.ts";
import { transportName, TRANSPORTS } from "../core/subscription.ts";
import { isWildcard, topicFault } from "../core/topic.ts";

// deno-lint-ignore no-control-regex -- control characters are what is refused
const NAME = /^[^\u0000-\u001f\u007f]{1,255}$/;

/** Notifications in one request. */
export const MAX_BATCH = 1000;
/** Four weeks, in seconds: no provider stores a message longer. */
export const MAX_TTL_SECONDS = 2_419_200;

/** Whether a text can name a context or a user. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** Whether a text is a topic that can be published to. */
export function isTopic(text: string): boolean {
  return publishedTopicFault(text) === undefined;
}

function publishedTopicFault(topic: string): string | undefined {
  return topicFault(topic) ??
    (isWildcard(topic) ? "a notification needs a topic without a wildcard" : undefined);
}

/** Context and user ids: texts; the API also accepts numbers. */
function name(example: string, description: string) {
  return z.union([
    z.string().regex(NAME, "must have 1 to 255 characters and no control characters"),
    z.int().nonnegative(),
  ], { error: "must be a text or a whole number" })
    .transform(String)
    .openapi({ example, description });
}

/** The id of a context. */
export const context = name("1", "The tenant of the user");
/** The id of a user. */
export const user = name("3", "The user within the context");

/** The name of a group of users. */
export const groupName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
  error: "must have 1 to 64 letters, digits, dots, hyphens or underscores",
}).openapi({ example: "sales" });

/** The kind of app that receives. */
export const client = z.string().regex(NAME).max(64)
  .openapi({ example: "open-xchange-appsuite", description: "The kind of the receiving app" });

/** A topic pattern of a subscription. */
export const topicPattern = z.string().superRefine((topic, { addIssue }) => {
  const fault = topicFault(topic);
  if (fault !== undefined) {
    addIssue({ code: "custom", message: fault, params: { code: "invalid_topic" } });
  }
}).openapi({ example: "ox:mail:*", description: "`ox:mail:new`, `ox:mail:*` or `*`" });

/** A topic that can be published to. */
export const topic = z.string().superRefine((topic, { addIssue }) => {
  const fault = publishedTopicFault(topic);
  if (fault !== undefined) {
    addIssue({ code: "custom", message: fault, params: { code: "invalid_topic" } });
  }
}).openapi({ example: "ox:mail:new" });

/** The name of a transport, or one of its aliases. */
export const transport = z.string().transform((name, { addIssue }) => {
  const known = transportName(name);
  if (known) return known;
  addIssue({
    code: "custom",
    message: `must be one of ${TRANSPORTS.join(", ")}`,
    params: { code: "unknown_transport" },
  });
  return z.NEVER;
}).openapi({ example: "apn", description: `One of ${TRANSPORTS.join(", ")}, or an alias` });

/** A JSON object with bounded nesting. */
export const jsonObject = z.custom<JsonObject>(isJsonObject, { error: "must be a JSON object" })
  .refine((value) => isShallow(value, MAX_DEPTH), {
    error: `must not be nested deeper than ${MAX_DEPTH} levels`,
  })
  .openapi({ type: "object", additionalProperties: true });

/** A time in responses. */
export const time = z.iso.datetime();

/** The id of a notification in examples. */
export const EXAMPLE_ID = "0190163d-8694-739b-aea5-966c26f8ad90";

/** A text in responses, with one as an example. */
export function text(example: string, description?: string) {
  return z.string().openapi({ example, ...(description !== undefined && { description }) });
}

/** A whole number in responses, with one as an example. */
export function count(example: number, description?: string) {
  return z.int().openapi({ example, ...(description !== undefined && { description }) });
}

/** What many responses name. */
export const named = {
  context: text("1"),
  user: text("3"),
  topic: text("ox:mail:new"),
  client: text("myiosclient"),
  transport: text("apn"),
};

/** The query of what is about one user. */
export const ofUser = z.strictObject({ context, user });

/** The body of an error. */
export const problemBody = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  pns: text("PNS-0007").optional(),
  faults: z.array(z.object({ path: z.string(), message: z.string(), code: z.string().optional() }))
    .optional(),
}).openapi("Problem");

/** The query parameters of a paged list. */
export const page = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(512).optional(),
});

/** The answer to a request for a page: `next` is the cursor of the next one. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next: z.string().optional() });
}

function isShallow(value: Json, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((each) => isShallow(each, levels - 1));
}
