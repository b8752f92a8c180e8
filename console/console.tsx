/** Puts the console together: signing in and out, pages, actions, stream and files. */

import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { messageOf, ServiceError } from "../core/errors.ts";
import { allows, type Principal } from "../core/principal.ts";
import { actionRoutes } from "./_actions.tsx";
import { fileRoutes } from "./_files.ts";
import {
  checkOrigin,
  clearSessionCookie,
  type ConsoleEnv,
  formOf,
  requireSession,
  requireToken,
  secureHeaders,
  sessionCookie,
  setSessionCookie,
} from "./_guard.ts";
import { type IssuerDeps, issuerRoutes } from "./_issuer_routes.tsx";
import { Layout, Notice } from "./_layout.tsx";
import { type PageDeps, pageRoutes } from "./_pages.tsx";
import { renderPage } from "./_render.tsx";
import { returnPath } from "./_return_to.ts";
import { LeadOnPage, SignInPage } from "./_sign_in_page.tsx";
import { liveRoutes } from "./_stream.tsx";
import { Shown } from "./_text.tsx";
import type { Tickets } from "./tickets.ts";

/** The dependencies of {@link createConsole}. */
interface ConsoleDeps extends IssuerDeps, PageDeps {
  /** Checks an API key. */
  readonly authenticate: (credential: string | undefined) => Principal | Promise<Principal>;
  readonly tickets: Tickets;
  /** The API. */
  readonly api: (request: Request) => Response | Promise<Response>;
}

const MAX_BODY_BYTES = 128 * 1024;

/** Creates the console; returns the handler of all requests below `/console`. */
export function createConsole(
  deps: ConsoleDeps,
): (request: Request) => Response | Promise<Response> {
  const { sessions, tickets, api, log, issuer } = deps;
  const app = new Hono().basePath("/console");
  app.use(secureHeaders, bodyLimit({ maxSize: MAX_BODY_BYTES }));
  app.route("/static", fileRoutes());
  app.route("/", signInRoutes(deps));
  app.route("/", issuerRoutes(deps));

  const inside = new Hono<ConsoleEnv>();
  inside.use(
    requireSession(
      sessions,
      ({ principal }) => (method, path, { body } = {}) =>
        tickets.call(api, principal, { method, path, body }),
    ),
    requireToken,
  );
  inside.post("/sign-out", async (c) => {
    await sessions.end(sessionCookie(c)!);
    clearSessionCookie(c);
    const { idToken } = c.var.session;
    const there = idToken === undefined ? undefined : await issuer.endUrl(idToken);
    // Not a redirect: the policy lets a form lead to this site only.
    return there
      ? renderPage(c, <LeadOnPage title="You are signed out" to={there.href} />)
      : c.redirect("/console/sign-in?out=1", 303);
  });
  inside.route("/", pageRoutes(deps));
  inside.route("/", actionRoutes(deps));
  inside.route("/", liveRoutes(deps));
  app.route("/", inside);

  app.notFound((c) => {
    return renderPage(c, <ErrorPage text="There is no such page." />, { status: 404 });
  });
  app.onError((thrown, c) => {
    if (thrown instanceof ServiceError) {
      const isDown = thrown.code === "store_unavailable";
      return renderPage(c, <ErrorPage text={thrown.message} />, { status: isDown ? 503 : 403 });
    }
    log.error("a page of the console failed unexpectedly", { reason: messageOf(thrown) });
    const page = <ErrorPage text="The page failed; the log says why." />;
    return renderPage(c, page, { status: 500 });
  });
  return (request) => app.fetch(request);
}

function ErrorPage({ text }: { readonly text: string }) {
  return (
    <Layout title="Console">
      <Notice kind="error">
        <Shown text={text} max={500} />
      </Notice>
      <p>
        <a class="button" href="/console">Back to the console</a>
      </p>
    </Layout>
  );
}

const NOTICES: Readonly<Record<string, string>> = {
  ended: "Your session has ended. Sign in again.",
  out: "You are signed out.",
  // The issuer has sent the browser back.
  state: "You are signed out.",
};

function signInRoutes({ authenticate, sessions, log, issuer }: ConsoleDeps): Hono {
  const app = new Hono();
  app.get("/sign-in", (c) => {
    const notice = Object.keys(c.req.query()).map((name) => NOTICES[name]).find(Boolean);
    const returnTo = c.req.query("returnTo");
    return renderPage(
      c,
      <SignInPage
        notice={notice}
        hasIssuer={issuer.isConfigured}
        returnTo={returnTo === undefined ? undefined : returnPath(returnTo)}
      />,
    );
  });
  app.post("/sign-in", async (c) => {
    checkOrigin(c);
    const { key = "", returnTo } = await formOf(c);
    const principal = await operatorOf(authenticate, key.trim());
    if (!principal) {
      const error = "This is no API key with scope read or admin, or it has expired.";
      const page = (
        <SignInPage error={error} hasIssuer={issuer.isConfigured} returnTo={returnPath(returnTo)} />
      );
      return renderPage(c, page, { status: 401 });
    }
    setSessionCookie(c, await sessions.begin(principal));
    log.info("somebody signed in to the console", { principal: principal.id });
    return c.redirect(returnPath(returnTo), 303);
  });
  return app;
}

/** Returns the principal of a key that may see something; undefined for every other credential. */
async function operatorOf(
  authenticate: ConsoleDeps["authenticate"],
  key: string,
): Promise<Principal | undefined> {
  try {
    const principal = await authenticate(key);
    return principal.kind === "key" && allows(principal, "read") ? principal : undefined;
  } catch (thrown) {
    if (thrown instanceof ServiceError && thrown.code === "unauthenticated") return undefined;
    throw thrown;
  }
}
