/** `/v1/subscriptions`: creates, lists, tests and deletes subscriptions. Tokens are never shown. */

import { z } from "@hono/zod-openapi";
import { canonicalLocale } from "../core/locale.ts";
import { ServiceError } from "../core/errors.ts";
import type { Principal } from "../core/principal.ts";
import type { Message } from "../core/message.ts";
import type { MessagePreview } from "../core/message_preview.ts";
import type { Outcome } from "../core/outcome.ts";
import { type Subscription, type TransportName, TRANSPORTS } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";
import type { SubscriptionRepository } from "../subscriptions/mod.ts";
import { actingFor, type Authenticate } from "./_authorize.ts";
import { presentMessage } from "./_explanation_body.ts";
import { messageBody } from "./_explanation_schema.ts";
import { createGroup } from "./_group.ts";
import { readBody, readQuery } from "./_input.ts";
import type { App } from "./_openapi.ts";
import {
  client,
  context,
  jsonObject,
  named,
  page,
  pageOf,
  text,
  time,
  topicPattern,
  transport,
  user,
} from "./_schemas.ts";
import { subscribe } from "./_subscribe.ts";
import { warningsOf } from "./_warnings.ts";

const locale = z.string().transform((tag, { addIssue }) => {
  const canonical = canonicalLocale(tag);
  if (canonical !== undefined) return canonical;
  addIssue({ code: "custom", message: "must be a language tag such as 'de' or 'pt-BR'" });
  return z.NEVER;
}).openapi({ example: "de-CH", description: "The language of the app; default: the user's" });

const subscribeBody = z.strictObject({
  context: context.optional(),
  user: user.optional(),
  client,
  transport,
  token: z.union([z.string().min(1).max(4096), jsonObject], {
    error: "must be a text, or a push subscription object of the browser",
  }).openapi({ description: "Device token, channel URI or push subscription" }),
  topics: z.array(topicPattern).min(1).max(64),
  expires: z.iso.datetime().optional().openapi({ description: "Absent where it does not expire" }),
  meta: jsonObject.optional(),
  locale: locale.optional(),
}).openapi("Subscribe");

const SUBSCRIBE_EXAMPLES = {
  apns: {
    ...{ context: "1", user: "3", client: "myiosclient", transport: "apn", topics: ["ox:mail:*"] },
    token: "740f4707bebcf74f9b7c25d48e3358945f6aa01da5ddb387462c7eaf61bb78ad",
  },
  webPush: {
    ...{ client: "mybrowserclient", transport: "webpush", topics: ["ox:mail:new"] },
    token: {
      endpoint: "https://push.example/send/f1LsxkKphfQ",
      keys: {
        p256dh:
          "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM",
        auth: "tBHItJI5svbpez7KI4CCXg",
      },
    },
  },
};

const subscriptionBody = z.object({
  id: z.uuid().openapi({ example: "5f7c6a52-3f0e-4d0b-8f6f-0f3a2f1f8a4e" }),
  context: named.context,
  user: named.user,
  client: named.client,
  transport: z.enum(TRANSPORTS).openapi({ example: "apn" }),
  topics: z.array(text("ox:mail:*")),
  createdAt: time,
  refreshedAt: time,
  expires: time.optional(),
  meta: z.record(z.string(), z.unknown()).optional(),
  locale: z.string().optional(),
}).openapi("Subscription");

const subscribedBody = subscriptionBody.extend({
  warnings: z.array(z.string()).optional().openapi({
    description: "Why this subscription currently receives no message; absent where it does",
    example: ["Messages to client 'myiosclient' over apn wait: its options are faulty"],
  }),
}).openapi("Subscribed");

const listQuery = page.extend({ context: context.optional(), user: user.optional() });
const byId = z.object({ id: z.uuid() });

/** The result of a test send; the message is absent where none was rendered. */
export interface TestSendResult {
  readonly outcome: Outcome;
  readonly message?: Message;
  readonly preview?: MessagePreview;
}

/** The dependencies of {@link subscriptionRoutes}. */
export interface SubscriptionDeps {
  readonly authenticate: Authenticate;
  readonly repository: SubscriptionRepository;
  readonly transports: ReadonlyMap<TransportName, Transport>;
  /** Sends a test message to one subscription, bypassing the buffer, and returns the outcome. */
  readonly testSend: (subscription: Subscription) => Promise<TestSendResult>;
}

/** Creates the routes of `/v1/subscriptions`. */
export function subscriptionRoutes(deps: SubscriptionDeps): App {
  const { authenticate, repository, testSend } = deps;
  const { app, route } = createGroup("Subscriptions", authenticate);

  route({
    id: "subscribe",
    method: "post",
    path: "/",
    summary: "Subscribe, or replace the topics of a subscription with the same token",
    scope: "subscribe",
    body: subscribeBody,
    bodies: SUBSCRIBE_EXAMPLES,
    answers: {
      200: { text: "An existing subscription was updated", schema: subscribedBody },
      201: { text: "A subscription was created", schema: subscribedBody },
    },
    errors: ["invalid_topic", "invalid_token", "unknown_transport", "too_many_subscriptions"],
  }, async (c) => {
    const body = await readBody(c, subscribeBody);
    const owner = actingFor(c.var.principal, body);
    const { client, transport, topics, expires, meta, locale } = body;
    const { subscription, created } = await subscribe(deps, {
      ...owner,
      ...{ client, transport, topics, token: body.token },
      ...(expires !== undefined && { expiresAt: Date.parse(expires) }),
      ...(meta !== undefined && { meta }),
      ...(locale !== undefined && { locale }),
    });
    const warnings = warningsOf([subscription], deps);
    const answer = { ...present(subscription), ...(warnings.length > 0 && { warnings }) };
    return c.json(answer, created ? 201 : 200);
  });

  route({
    id: "listSubscriptions",
    method: "get",
    path: "/",
    summary: "List subscriptions: of a user, of a context, or all",
    scope: ["read", "subscribe"],
    query: listQuery,
    answers: {
      200: { text: "A page of subscriptions", schema: pageOf(subscriptionBody) },
    },
  }, async (c) => {
    const { limit, cursor, ...wanted } = readQuery(c, listQuery.strict());
    const { items, cursor: next } = await repository.list({
      ...rangeFor(c.var.principal, wanted),
      limit,
      ...(cursor !== undefined && { cursor }),
    });
    return c.json({ items: items.map(present), next });
  });

  /** @throws {ServiceError} `not_found` */
  async function find(id: string, principal: Principal): Promise<Subscription> {
    const found = await repository.get(id);
    if (!found) throw new ServiceError("not_found", "Cannot find this subscription");
    actingFor(principal, found);
    return found;
  }

  route({
    ...{
      id: "getSubscription",
      method: "get",
      path: "/{id}",
      summary: "Get a subscription",
      scope: ["read", "subscribe"],
    },
    params: byId,
    answers: { 200: { text: "The subscription", schema: subscriptionBody } },
    errors: ["not_found"],
  }, async (c) => {
    return c.json(present(await find(c.req.param("id")!, c.var.principal)));
  });

  route({
    ...{ id: "unsubscribe", method: "delete", path: "/{id}", scope: "subscribe", params: byId },
    summary: "Delete a subscription",
    answers: { 204: { text: "Deleted" } },
    errors: ["not_found"],
  }, async (c) => {
    const { id } = await find(c.req.param("id")!, c.var.principal);
    await repository.delete(id);
    return c.body(null, 204);
  });

  route({
    id: "testSubscription",
    method: "post",
    path: "/{id}/test",
    summary: "Send a test message to this subscription and return the outcome",
    scope: "subscribe",
    params: byId,
    answers: {
      200: {
        text: "The outcome of the attempt",
        schema: z.object({
          outcome: text("rejected"),
          reason: text("BadDeviceToken").optional(),
          message: messageBody.optional(),
        }),
      },
    },
    errors: ["not_found"],
  }, async (c) => {
    const subscription = await find(c.req.param("id")!, c.var.principal);
    const { outcome, message, preview } = await testSend(subscription);
    const reason = "reason" in outcome ? outcome.reason : undefined;
    return c.json({
      outcome: outcome.kind,
      reason,
      ...(message && { message: presentMessage(message, preview) }),
    });
  });

  return app;
}

/** Limits a list to what the caller may see: a session its user, a key its contexts. */
function rangeFor(
  principal: Principal,
  wanted: { readonly context?: string | undefined; readonly user?: string | undefined },
): { readonly context?: string; readonly user?: string } {
  if (principal.user || wanted.user !== undefined) return actingFor(principal, wanted);
  if (wanted.context !== undefined) {
    return { context: actingFor(principal, { ...wanted, user: "" }).context };
  }
  if (principal.contexts === undefined) return {};
  throw new ServiceError("forbidden", "Cannot list all contexts with this credential: name one");
}

function present(subscription: Subscription) {
  const { token: _, shared: _s, createdAt, refreshedAt, expiresAt, meta, ...rest } = subscription;
  return {
    ...rest,
    // A webhook's is what its receiver is called with, passwords included.
    ...(meta !== undefined && rest.transport !== "webhook" && { meta }),
    createdAt: new Date(createdAt).toISOString(),
    refreshedAt: new Date(refreshedAt).toISOString(),
    ...(expiresAt !== undefined && { expires: new Date(expiresAt).toISOString() }),
  };
}
