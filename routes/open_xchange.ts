/**
 * `POST /v1/open-xchange/webhook`: what an Open-Xchange middleware from 8.18 on sends. The middleware
 * tries nothing again and removes a subscription on 403, 404 and 405, so none of these is ever the
 * answer to a webhook that is merely unwelcome.
 */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import { ServiceError } from "../core/errors.ts";
import { webhookBody, type WebhookReceiver } from "../open_xchange/mod.ts";
import { isJsonType, readUtf8 } from "./_input.ts";
import { type App, describe, type Env } from "./_openapi.ts";

/** What this route needs. */
export interface OpenXchangeDeps {
  readonly webhooks: WebhookReceiver;
}

/**
 * Where webhooks are taken, with the ids of the operations: this service's own path, and the one of
 * the service it stands for.
 */
export const WEBHOOK_PATHS: Readonly<Record<string, string>> = {
  "/v1/open-xchange/webhook": "receiveWebhook",
  "/api/v1/webhook": "receiveWebhookAsOriginal",
};

const NEW_MAIL = {
  event: "ox:mail:new",
  payload: { folder: "default0/INBOX", id: "113", subject: "Let us meet", context: 1, user: 3 },
  timestamp: 1_795_435_200_000,
};

const received = z.object({ success: z.literal(true), ids: z.array(z.uuid()) });

/** Creates the route, to be mounted at one of {@link WEBHOOK_PATHS}; `id` is its operation there. */
export function openXchangeRoutes({ webhooks }: OpenXchangeDeps, id: string): App {
  const app = new OpenAPIHono<Env>();
  describe(app, {
    id,
    method: "post",
    path: "/",
    tag: "Open-Xchange",
    summary: "Take a webhook of the middleware; needs its secret, its signature or both",
    security: "webhook",
    headers: z.object({
      "x-ox-signature": z.string().optional().openapi({
        description: "`t=<ms>, v<version>=<hex HMAC-SHA-256>`; the header's name is a setting",
      }),
    }),
    body: webhookBody,
    bodies: { newMail: NEW_MAIL },
    answers: { 200: { text: "It is durable", schema: received } },
    errors: ["invalid_topic", "replayed", "conflict", "not_configured", "buffer_full"],
  });
  app.post("/", async (c) => {
    const ids = await webhooks.receive({
      header: (name) => c.req.header(name) ?? null,
      body() {
        if (isJsonType(c.req.header("content-type") ?? null)) {
          return readUtf8(c.req.raw, c.var.bodyDeadline);
        }
        throw new ServiceError("unsupported_media_type", "Cannot read the body: it must be JSON");
      },
    });
    return c.json({ success: true, ids });
  });
  return app;
}
