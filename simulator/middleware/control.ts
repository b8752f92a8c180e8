/** The mock middleware's own API, for people and scripts that have it do something. */

import { z } from "zod";
import { MIDDLEWARE_FAULTS } from "./faults.ts";
import type { MockMiddleware } from "./mod.ts";
import { WEBHOOK_FAULTS } from "./webhooks.ts";

const who = { context: z.int().positive().default(1), user: z.int().positive().default(3) };

const event = z.object({
  ...who,
  event: z.string().default("ox:mail:new"),
  data: z.record(z.string(), z.unknown()).default({ folder: "default0/INBOX", id: "1" }),
  sourceToken: z.string().optional(),
  fault: z.enum(WEBHOOK_FAULTS).optional(),
});
const login = z.object({ ...who, userAgent: z.string().default("curl") });
const logout = z.object({ session: z.string() });
const fault = z.object({ fault: z.enum(MIDDLEWARE_FAULTS).nullable() });

/** `POST /control/{login,logout,event,repeat,fault}` and `GET /control/state`. */
export async function answerControl(mock: MockMiddleware, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const isRead = request.method === "GET";
  if (isRead && pathname === "/control/state") {
    const { asked, accounts, fault = null } = mock;
    return Response.json({ asked, subscriptions: accounts.subscriptions, fault });
  }
  if (request.method !== "POST") return new Response(null, { status: 404 });
  let body: unknown;
  try {
    body = JSON.parse(await request.text() || "{}");
  } catch {
    return Response.json({ error: "the body is no JSON" }, { status: 400 });
  }
  return await act(mock, pathname, body);
}

async function act(mock: MockMiddleware, path: string, body: unknown): Promise<Response> {
  switch (path) {
    case "/control/login":
      return await checked(login, body, (who) => mock.login(who));
    case "/control/logout":
      return await checked(logout, body, ({ session }) => ({
        ended: mock.accounts.logout(session),
      }));
    case "/control/event":
      return await checked(event, body, async ({ fault, sourceToken, ...rest }) => ({
        statuses: await mock.emit(
          { ...rest, ...sourceToken !== undefined && { sourceToken } },
          fault,
        ),
      }));
    case "/control/repeat":
      return Response.json({ status: await mock.repeat() });
    case "/control/fault":
      return await checked(fault, body, (given) => {
        mock.fault = given.fault ?? undefined;
        return given;
      });
    default:
      return new Response(null, { status: 404 });
  }
}

async function checked<T>(
  schema: z.ZodType<T>,
  body: unknown,
  act: (value: T) => unknown,
): Promise<Response> {
  const read = schema.safeParse(body);
  if (read.success) return Response.json(await act(read.data));
  return Response.json({ error: z.prettifyError(read.error) }, { status: 400 });
}
