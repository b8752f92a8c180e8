/**
 * The two halves of a sign-in by an OpenID Connect issuer. What must be known in the second half is
 * in a cookie of ten minutes, which another site's redirect sends (`SameSite=Lax`); it holds nothing
 * that its browser may not know. The cookie of the session is strict, so a page of this console, and
 * not the issuer's redirect, leads on.
 */

import { type Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { Log } from "../core/log.ts";
import { grantOf, type GrantSettings } from "./_grants.ts";
import { isHttps, setSessionCookie } from "./_guard.ts";
import { renderPage } from "./_render.tsx";
import { returnPath } from "./_return_to.ts";
import { LeadOnPage, SignInPage } from "./_sign_in_page.tsx";
import type { Issuer, SignInFlow } from "./issuer.ts";
import type { ConsoleSessions } from "./sessions.ts";

/** What the routes need. */
export interface IssuerDeps {
  readonly issuer: Issuer;
  readonly sessions: ConsoleSessions;
  readonly grants: () => GrantSettings & {
    readonly issuer: string;
    readonly sessionLifetimeMs: number;
  };
  readonly log: Log;
}

interface KeptFlow extends SignInFlow {
  readonly returnTo: string;
}

const COOKIE = "carillon_console_flow";
const PATH = "/console/oidc";
const FLOW_SECONDS = 600;

const TEXTS = {
  lost: "The sign-in has taken too long, or began in another window. Try again.",
  refused: "The issuer's answer was not accepted. Try again.",
  unavailable: "The issuer cannot be reached. Try again later, or use an API key.",
  noRole: "Your account has no role for this console. An operator of the issuer can give it one.",
} as const;

/** Creates the routes. They need no session. */
export function issuerRoutes({ issuer, sessions, grants, log }: IssuerDeps): Hono {
  const app = new Hono();

  app.get("/oidc/start", async (c) => {
    if (!issuer.isConfigured) return c.redirect("/console/sign-in", 303);
    const answer = await issuer.begin({ again: c.req.query("again") !== undefined });
    if (answer.kind !== "answer") return failed(c, "unavailable", answer.reason);
    const { url, flow } = answer.value;
    keepFlow(c, { ...flow, returnTo: returnPath(c.req.query("returnTo")) });
    return c.redirect(url.href, 303);
  });

  app.get("/oidc/callback", async (c) => {
    if (!issuer.isConfigured) return c.redirect("/console/sign-in", 303);
    const flow = takeFlow(c);
    if (!flow) return failed(c, "lost", "its cookie is missing");
    const answer = await issuer.finish(new URL(c.req.url).search, flow);
    if (answer.kind !== "answer") return failed(c, answer.kind, answer.reason);
    const { claims, idToken } = answer.value;
    const settings = grants();
    const grant = grantOf(claims, settings);
    if (grant.kind === "refused") return failed(c, "noRole", grant.reason);
    const { principal, name } = grant;
    const cookie = await sessions.begin(principal, {
      ...{ name, idToken, issuer: settings.issuer, lifetimeMs: settings.sessionLifetimeMs },
    });
    setSessionCookie(c, cookie);
    log.info("somebody signed in to the console", { principal: principal.id });
    return renderPage(c, <LeadOnPage title="You are signed in" to={returnPath(flow.returnTo)} />);
  });

  function failed(c: Context, why: keyof typeof TEXTS, reason: string) {
    // Anybody can come without the cookie, as often as they like.
    if (why !== "lost") log.warn("a sign-in to the console by the issuer failed", { reason });
    const status = why === "unavailable" ? 503 : why === "noRole" ? 403 : 401;
    const page = <SignInPage error={TEXTS[why]} hasIssuer isAgain={why === "noRole"} />;
    return renderPage(c, page, { status });
  }

  return app;
}

function keepFlow(c: Context, flow: KeptFlow): void {
  const value = new TextEncoder().encode(JSON.stringify(flow)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
  setCookie(c, COOKIE, value, {
    ...{ httpOnly: true, sameSite: "Lax", secure: isHttps(c), path: PATH, maxAge: FLOW_SECONDS },
  });
}

/** Returns what was kept, once. */
function takeFlow(c: Context): KeptFlow | undefined {
  const value = getCookie(c, COOKIE);
  if (value === undefined) return undefined;
  deleteCookie(c, COOKIE, { path: PATH, secure: isHttps(c) });
  try {
    const bytes = Uint8Array.fromBase64(value, { alphabet: "base64url" });
    const flow = JSON.parse(new TextDecoder().decode(bytes)) as KeptFlow;
    const { state, nonce, verifier } = flow;
    return [state, nonce, verifier].every((each) => typeof each === "string" && each !== "")
      ? flow
      : undefined;
  } catch {
    return undefined;
  }
}
