/**
 * `PUT /ajax/pns?action=subscribe|unsubscribe`: the original's API for its clients. Bodies, defaults,
 * the `{"data":…}` envelope and errors with status 200 are as in the original. A subscription with one
 * of the middleware's webhooks that lead here goes to the middleware, which must know of it.
 */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Snapshot } from "../cascade/mod.ts";
import { type ClientHeaders, clientHeadersOf } from "../core/client_headers.ts";
import { type ErrorCode, ERRORS, ServiceError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { Log } from "../core/log.ts";
import { isMiddlewareSession } from "../open_xchange/mod.ts";
import { actingFor, type Authenticate, needsSession } from "./_authorize.ts";
import { check, isJsonType, parseJson, readUtf8 } from "./_input.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { forAllowedPages } from "./_page_origins.ts";
import { onError } from "./_problem.ts";
import { client, jsonObject, text, topicPattern, transport } from "./_schemas.ts";
import { subscribe as store, type SubscribeDeps } from "./_subscribe.ts";

/** The client of App Suite, which the original reads from the session. */
const DEFAULT_CLIENT = "open-xchange-appsuite";

const EXAMPLE_ADDRESS = { transport: "gcm", token: "fGk…:APA91b…" };

const token = z.union([z.string().max(4096), jsonObject]).optional()
  .openapi({ description: "Optional for `webhook` only: then the configured address counts" });

// The original ignores unknown fields, so these schemas are not strict.
const subscribeBody = z.object({
  client: client.optional(),
  token,
  transport,
  topics: z.array(topicPattern).min(1).max(64),
  expires: z.int().nonnegative().optional()
    .openapi({ description: "Epoch milliseconds; 0 or absent where it does not expire" }),
  meta: jsonObject.optional(),
}).openapi("PnsSubscribe");

const unsubscribeBody = z.object({
  client: client.optional(),
  token,
  transport,
}).openapi("PnsUnsubscribe");

const action = z.enum(["subscribe", "unsubscribe"], {
  error: "the parameter 'action' must be 'subscribe' or 'unsubscribe'",
});

const sessionParameter = z.string().optional().openapi({
  description: "A user's session: a session token or a JWT. API keys are refused here.",
});

/** What these routes need. */
export interface PnsDeps extends SubscribeDeps {
  readonly authenticate: Authenticate;
  readonly snapshot: () => Pick<Snapshot, "settings">;
  readonly log: Log;
  /**
   * Has the middleware take a subscription; its answer, or `undefined` where it does not know the
   * session. Absent: there is no middleware.
   */
  readonly subscribeThere?: (question: {
    readonly action: Action;
    readonly session: string;
    readonly client: ClientHeaders;
    readonly body: JsonObject;
  }) => Promise<JsonObject | undefined>;
}

type Action = z.infer<typeof action>;
type Body = z.infer<typeof unsubscribeBody> | z.infer<typeof subscribeBody>;

/** Creates the routes of the original's API; `id` is that of the operation at their path. */
export function pnsRoutes(deps: PnsDeps, id: string): App {
  const { authenticate, repository, transports, snapshot, log, subscribeThere } = deps;
  const app = new OpenAPIHono<Env>();
  const answerError = onError(log);

  async function subscribe(c: Context<Env>, body: z.infer<typeof subscribeBody>): Promise<void> {
    const { client = DEFAULT_CLIENT, transport, topics, expires = 0, meta } = body;
    await store(deps, {
      ...actingFor(c.var.principal, {}),
      ...{ client, transport, topics, token: tokenOf(body) },
      ...(expires > 0 && { expiresAt: expires }),
      ...(meta !== undefined && { meta }),
    });
  }

  async function unsubscribe(c: Context<Env>, body: Body): Promise<void> {
    const { client = DEFAULT_CLIENT, transport } = body;
    await repository.unsubscribe({
      ...actingFor(c.var.principal, {}),
      ...{ token: knownAddress(client, body), transport },
      ...(body.client !== undefined && { client: body.client }),
    });
  }

  /** A webhook that is no longer configured can still be unsubscribed. */
  function knownAddress(client: string, body: Body): string {
    const raw = tokenOf(body);
    try {
      return transports.get(body.transport)!.parseAddress(client, raw);
    } catch (thrown) {
      const isDenied = thrown instanceof ServiceError && thrown.code === "subscription_denied";
      if (!isDenied) throw thrown;
      return typeof raw === "string" ? raw : "";
    }
  }

  /** The middleware's answer to what is its business; `undefined` where it is none of it. */
  async function askMiddleware(
    c: Context<Env>,
    { action, body, json }: {
      readonly action: Action;
      readonly body: Body;
      readonly json: unknown;
    },
  ): Promise<JsonObject | undefined> {
    const { client = DEFAULT_CLIENT, transport } = body;
    const leadsHere = transport === "webhook" && snapshot().settings.webhookIn.ids.includes(client);
    const session = c.req.query("session");
    const isTheirs = isMiddlewareSession(c.var.principal.user?.sessionId ?? "");
    if (!leadsHere || !isTheirs || session === undefined || !subscribeThere) return undefined;
    const answer = await subscribeThere({
      ...{ action, session, body: json as JsonObject },
      client: clientHeadersOf((name) => c.req.header(name)),
    });
    if (answer !== undefined) return answer;
    throw new ServiceError("unauthenticated", "Cannot accept the session: it has ended");
  }

  app.use(forAllowedPages(snapshot, "PUT"));
  describe(app, {
    id,
    method: "put",
    path: "/",
    tag: "Open-Xchange",
    summary: "Subscribe or unsubscribe as in the original's API",
    scope: "subscribe",
    query: z.object({ action, session: sessionParameter }),
    body: z.union([subscribeBody, unsubscribeBody]),
    bodies: {
      subscribe: { ...EXAMPLE_ADDRESS, topics: ["ox:mail:new"] },
      unsubscribe: EXAMPLE_ADDRESS,
    },
    answers: {
      200: {
        text: "Done, or an error in the original's envelope",
        schema: z.object({
          data: z.object({ success: z.literal(true) }).optional(),
          error: z.string().optional(),
          code: text("PNS-0007").optional(),
        }).openapi({ example: { data: { success: true } } }),
      },
    },
  });
  app.put("/", needsSession(authenticate, "subscribe"), async (c) => {
    const wanted = check(action, c.req.query("action"));
    const json = await readJson(c);
    const schema = wanted === "subscribe" ? subscribeBody : unsubscribeBody;
    const body: Body = check<Body>(schema, json);
    const theirs = await askMiddleware(c, { action: wanted, body, json });
    if (theirs !== undefined) return c.json(theirs);
    if ("topics" in body) await subscribe(c, body);
    else await unsubscribe(c, body);
    return c.json({ data: { success: true } });
  });
  // Answered by the check of origins; named here so that the method is known.
  app.options("/", (c) => c.body(null, 204));

  app.onError((thrown, c) => {
    if (!(thrown instanceof ServiceError) || thrown.status >= 500) {
      return answerError(thrown, c.req.path);
    }
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

/**
 * Reads the JSON body. The App Suite sends it as `text/javascript`, which a page of another site
 * cannot do without a preflight either.
 */
async function readJson(c: Context<Env>): Promise<unknown> {
  const type = c.req.header("content-type") ?? null;
  if (!isJsonType(type) && !/^text\/javascript\s*(?:;|$)/i.test(type ?? "")) {
    throw new ServiceError("unsupported_media_type", "Cannot read the body: it must be JSON");
  }
  return parseJson((await readUtf8(c.req.raw, c.var.bodyDeadline)).text);
}

/** @throws {ServiceError} `invalid_request` where a token is needed and there is none. */
function tokenOf({ token, transport }: Body): Body["token"] {
  if (transport === "webhook" || (token !== undefined && token !== "")) return token;
  throw new ServiceError("invalid_request", "Cannot accept token: it is missing", {
    faults: [{ path: "token", message: "is missing" }],
  });
}

/** Returns the original's number of an error; where it has none, that of the original's servlets. */
function originalCode(code: ErrorCode): string {
  const { pns } = ERRORS[code] as { pns?: string };
  if (pns !== undefined) return pns;
  return code === "unauthenticated" ? "SES-0203" : "SVL-0010";
}
