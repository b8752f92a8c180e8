/** The schema of an explanation, for the description of the API. */

import { z } from "@hono/zod-openapi";
import { TARGET_STATES } from "../core/ledger.ts";
import { ABSENT_CODES } from "../delivery/mod.ts";
import { ledgerBody } from "./_ledger_body.ts";
import { text, time } from "./_schemas.ts";

function number(example: number) {
  return z.number().openapi({ example });
}

const trail = z.array(z.object({
  key: text("com.openexchange.pns.transport.websocket.enabled"),
  scope: text("server"),
  source: text("pns.properties:3").optional(),
  value: text("true").optional(),
  chosen: z.boolean(),
  barred: z.boolean().optional(),
}));

/** The schema of a rendered message. */
export const messageBody = z.object({
  title: z.string().optional(),
  body: z.string().optional(),
  silent: z.boolean(),
  badge: z.number().optional(),
  sound: z.string().optional(),
  payload: z.string().optional().openapi({ description: "The body that the provider would get" }),
  bytes: z.int().optional(),
  maxBytes: z.int().optional(),
  shortened: z.array(z.string()).optional(),
  rejected: z.string().optional().openapi({ description: "Why it could not be rendered" }),
});

const target = z.object({
  client: text("open-xchange-appsuite"),
  transport: text("websocket"),
  subscription: z.string().optional(),
  send: z.boolean(),
  state: z.enum(TARGET_STATES).optional().openapi({ example: "sent" }),
  reason: z.string().optional(),
  quiet: z.object({ action: z.enum(["drop", "silent", "hold"]), until: time }).optional()
    .openapi({ description: "What quiet hours do when it is due, and when they end" }),
  held: z.object({ reason: z.enum(["escalation", "quiet hours"]), until: time }).optional()
    .openapi({ description: "Why and until when it would wait, if published now" }),
  waits: z.string().optional().openapi({ description: "Why messages wait at present" }),
  maxPerSecond: z.number().optional(),
  trail,
  language: z.object({
    wanted: z.array(z.object({ locale: z.string(), from: z.enum(["subscription", "user"]) })),
    available: z.array(z.string()),
    chosen: z.string().optional(),
  }).optional().openapi({
    description: "The languages that are tried, those of the template, and the first of both; " +
      "without `chosen`, texts are those of no language",
  }),
  message: messageBody.optional(),
});

/** The body of an explanation. */
export const explanationBody = z.object({
  targets: z.array(target),
  absent: z.array(z.object({
    code: z.enum(ABSENT_CODES),
    client: z.string().optional(),
    transport: z.string().optional(),
    subscription: z.string().optional(),
    reason: text("the user has no subscription"),
  })),
  hypothetical: z.object({ enabled: z.boolean(), serves: z.boolean(), trail }).optional(),
  deliverAt: time.optional().openapi({
    description: "When it is delivered; quiet hours and escalation are explained for then",
  }),
  contextSets: z.object({
    tags: z.array(z.object({ tag: text("1"), source: text("context id") })),
    sets: z.array(z.object({
      name: text("premium"),
      source: text("contextSets/premium.yml:1:1"),
      withTags: text("gold & !trial"),
      matches: z.boolean().openapi({ example: false }),
    })),
  }),
  delay: z.object({ waitsMs: number(1000), atMostMs: number(1000), checkedEveryMs: number(500) }),
  limits: z.object({
    maxPerSecondPerKey: number(0),
    maxPerSecondPerContext: number(0),
    maxPayloadBytes: number(49_152),
    maxSubscriptionsPerUser: number(100),
  }),
  happened: ledgerBody.optional().openapi({
    description: "What became of the notification with the given id",
  }),
  withoutData: z.boolean().optional().openapi({
    description: "Messages are rendered without data: none were published, or the record of a " +
      "settled notification has none",
  }),
  audience: z.object({
    included: z.boolean(),
    searched: z.int(),
    id: z.uuid().optional(),
    deliverAt: time.optional(),
    stopped: z.boolean().optional(),
  }).optional().openapi({
    description: "Whether the user is among those of a notification to many users so far. " +
      "`stopped`: the search is bounded, and there are more",
  }),
  warnings: z.array(z.string()).optional().openapi({
    description: "Clients that currently receive no message, whatever is enabled",
  }),
}).openapi("Explanation");
