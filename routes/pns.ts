/**
 * `PUT /ajax/pns?action=subscribe|unsubscribe`: the original's API for its clients. Bodies, defaults,
 * the `{"data":…}` envelope and errors with status 200 are as in the original.
 */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { type ErrorCode, ERRORS, ServiceError } from "../core/errors.ts";
import type { TransportName } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";
import type { SubscriptionRepository } from "../subscriptions/mod.ts";
import { actingFor, type Authenticate, needsSession } from "./_authorize.ts";
import { check, readBody } from "./_input.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { client, jsonObject, topicPattern, transport } from "./_schemas.ts";

/** The client of App Suite, which the original reads from the session. */
const DEFAULT_CLIENT = "open-xchange-appsuite";

// The original ignores unknown fields, so these schemas are not strict.
const subscribeBody = z.object({
  client: client.optional(),
  token: z.union([z.string().min(1).max(4096), jsonObject]),
  transport,
  topics: z.array(topicPattern).min(1).max(64),
  expires: z.int().nonnegative().optional()
    .openapi({ description: "Epoch milliseconds; 0 or absent where it does not expire" }),
  meta: jsonObject.optional(),
}).openapi("PnsSubscribe");

const unsubscribeBody = z.object({
  client: client.optional(),
  token: z.union([z.string().min(1).max(4096), jsonObject]),
  transport,
}).openapi("PnsUnsubscribe");

const action = z.enum(["subscribe", "unsubscribe"], {
  error: "the parameter 'action' must be 'subscribe' or 'unsubscribe'",
});

const sessionParameter = z.string().optional().openapi({
  description: "A user's session: a session token or a JWT. API keys are refused here.",
});

interface PnsDeps {
  readonly authenticate: Authenticate;
  readonly repository: SubscriptionRepository;
  readonly transports: ReadonlyMap<TransportName, Transport>;
}

/** Creates the routes of the original's API. */
export function pnsRoutes({ authenticate, repository, transports }: PnsDeps): App {
  const app = new OpenAPIHono<Env>();

  async function subscribe(c: Context<Env>): Promise<void> {
    const body = await readBody(c, subscribeBody);
    const { client = DEFAULT_CLIENT, transport, topics, expires = 0, meta } = body;
    await repository.subscribe({
      ...actingFor(c.var.principal, {}),
      ...{ client, transport, topics },
      token: transports.get(transport)!.parseAddress(client, body.token),
      ...(expires > 0 && { expiresAt: expires }),
      ...(meta !== undefined && { meta }),
    });
  }

  async function unsubscribe(c: Context<Env>): Promise<void> {
    const body = await readBody(c, unsubscribeBody);
    const { client = DEFAULT_CLIENT, transport } = body;
    const token = transports.get(transport)!.parseAddress(client, body.token);
    await repository.unsubscribe({
      ...actingFor(c.var.principal, {}),
      ...{ token, transport },
      ...(body.client !== undefined && { client: body.client }),
    });
  }

  describe(app, {
    method: "put",
    path: "/",
    tag: "Open-Xchange",
    summary: "Subscribe or unsubscribe as in the original's API",
    scope: "subscribe",
    query: z.object({ action, session: sessionParameter }),
    body: z.union([subscribeBody, unsubscribeBody]),
    answers: {
      200: {
        text: "Done, or an error in the original's envelope",
        schema: z.object({
          data: z.object({ success: z.literal(true) }).optional(),
          error: z.string().optional(),
          code: z.string().optional().openapi({ example: "PNS-0007" }),
        }),
      },
    },
  });
  app.put("/", needsSession(authenticate, "subscribe"), async (c) => {
    if (check(action, c.req.query("action")) === "subscribe") await subscribe(c);
    else await unsubscribe(c);
    return c.json({ data: { success: true } });
  });

  app.onError((thrown, c) => {
    if (!(thrown instanceof ServiceError) || thrown.status >= 500) throw thrown;
    const { code, message } = thrown;
    return c.json({
      error: message,
      error_params: [],
      categories: "USER_INPUT",
      category: 1,
      code: originalCode(code),
      error_desc: message,
    });
  });

  return app;
}

/** Returns the original's number of an error; where it has none, that of the original's servlets. */
function originalCode(code: ErrorCode): string {
  const { pns } = ERRORS[code] as { pns?: string };
  if (pns !== undefined) return pns;
  return code === "unauthenticated" ? "SES-0203" : "SVL-0010";
}
