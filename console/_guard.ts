/**
 * What every request of the console passes: security headers, the session, and for changes the
 * origin and the session's token.
 */

import type { Context, MiddlewareHandler, Next } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { equalsInConstantTime } from "../core/constant_time.ts";
import { ServiceError } from "../core/errors.ts";
import { returnPath } from "./_return_to.ts";
import type { ConsoleSession, ConsoleSessions } from "./sessions.ts";
import type { ApiAnswer } from "./tickets.ts";

/** The variables of a request of somebody who is signed in. */
export interface ConsoleEnv {
  readonly Variables: {
    session: ConsoleSession;
    /** Calls the API as the principal of the session. */
    api: (
      method: string,
      path: string,
      options?: { readonly body?: unknown },
    ) => Promise<ApiAnswer>;
    /** The fields of a form; empty for requests without a body. */
    form: Readonly<Record<string, string>>;
  };
}

/** A request of somebody who is signed in. */
export type ConsoleContext = Context<ConsoleEnv>;

const COOKIE = "carillon_console";

/** Allows only files of this service: no inline scripts or styles, no frames. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
  "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** Sets the headers of every answer. */
export async function secureHeaders(c: Context, next: Next): Promise<void> {
  await next();
  c.header("content-security-policy", POLICY);
  c.header("referrer-policy", "no-referrer");
  c.header("x-content-type-options", "nosniff");
  c.header("cross-origin-opener-policy", "same-origin");
  c.header("cross-origin-resource-policy", "same-origin");
  if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
}

/** Keeps the cookie of a session. It is sent over HTTPS only where the browser used HTTPS. */
export function setSessionCookie(c: Context, secret: string): void {
  setCookie(c, COOKIE, secret, {
    httpOnly: true,
    sameSite: "Strict",
    secure: isHttps(c),
    path: "/console",
  });
}

/** Returns the value of the cookie. */
export function sessionCookie(c: Context): string | undefined {
  return getCookie(c, COOKIE);
}

/** Removes the cookie. */
export function clearSessionCookie(c: Context): void {
  deleteCookie(c, COOKIE, { path: "/console", secure: isHttps(c) });
}

/** Finds the session; sends a browser without one to the page for signing in. */
export function requireSession(
  sessions: ConsoleSessions,
  call: (session: ConsoleSession) => ConsoleEnv["Variables"]["api"],
): MiddlewareHandler<ConsoleEnv> {
  return async function authenticate(c, next) {
    const secret = sessionCookie(c);
    const session = await sessions.find(secret);
    if (!session) {
      if (secret !== undefined) clearSessionCookie(c);
      const back = c.req.method === "GET" ? returnPath(pathAndQuery(c.req.url)) : "/console";
      const query = new URLSearchParams({
        ...(secret !== undefined && { ended: "1" }),
        ...(back !== "/console" && { returnTo: back }),
      });
      return c.redirect(`/console/sign-in${query.size > 0 ? `?${query}` : ""}`, 303);
    }
    c.set("session", session);
    c.set("api", call(session));
    c.set("form", {});
    await next();
  };
}

/** Requires that a change comes from a page of this console. */
export async function requireToken(c: ConsoleContext, next: Next): Promise<void> {
  if (c.req.method !== "GET" && c.req.method !== "HEAD") {
    checkOrigin(c);
    const form = await formOf(c);
    const given = form["csrf"] ?? c.req.header("x-csrf-token");
    if (!equalsInConstantTime(c.var.session.csrf, given ?? "")) {
      throw new ServiceError("forbidden", "Cannot do this: the page is too old, load it again");
    }
    c.set("form", form);
  }
  await next();
}

/**
 * Refuses a request that another site caused.
 *
 * @throws {ServiceError} `foreign_origin`
 */
export function checkOrigin(c: Context): void {
  const site = c.req.header("sec-fetch-site");
  const origin = c.req.header("origin");
  const isOwn = site !== undefined
    ? site === "same-origin" || site === "none"
    : origin === undefined || URL.parse(origin)?.host === c.req.header("host");
  if (isOwn) return;
  throw new ServiceError("foreign_origin", "Cannot do this: another site has sent the request");
}

/** Returns the text fields of a form, each once. */
export async function formOf(c: Context): Promise<Readonly<Record<string, string>>> {
  if (!/^application\/x-www-form-urlencoded/.test(c.req.header("content-type") ?? "")) return {};
  return Object.fromEntries(new URLSearchParams(await c.req.text()));
}

function pathAndQuery(address: string): string {
  const { pathname, search } = new URL(address);
  return pathname + search;
}

/** Whether the browser used HTTPS, as far as a proxy says. */
export function isHttps(c: Context): boolean {
  return c.req.header("x-forwarded-proto") === "https" || c.req.url.startsWith("https:");
}
