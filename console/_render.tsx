/** Renders a page as the answer to a request. */

import type { Context } from "hono";
import { type Child, createContext, useContext } from "hono/jsx";
import type { JSX } from "hono/jsx/jsx-runtime";
import { allows } from "../core/principal.ts";
import type { ConsoleSession } from "./sessions.ts";

/** What an action led to: it is shown at the top of a page. */
export interface ActionResult {
  readonly shown?: Child;
  /** @default {200} */
  readonly status?: 200 | 401 | 403 | 404 | 500 | 503;
}

/** What every part of a page can read: who is signed in, and what an action led to. */
interface PageState extends Pick<ActionResult, "shown"> {
  /** Absent on the page for signing in. */
  readonly session?: ConsoleSession;
}

const PageContext = createContext<PageState>({});

/** Returns what every part of a page can read. Only while it is rendered. */
export function usePage(): PageState {
  return useContext(PageContext);
}

/** Whether who is signed in may change something. Only while a page is rendered. */
export function useIsOperator(): boolean {
  const { session } = usePage();
  return session !== undefined && allows(session.principal, "admin");
}

/** Answers with a page. */
export function renderPage(
  c: Context,
  element: JSX.Element,
  { shown, status = 200 }: ActionResult = {},
): Response | Promise<Response> {
  const session: ConsoleSession | undefined = c.get("session");
  const page = (
    <PageContext.Provider value={{ shown, ...(session && { session }) }}>
      {element}
    </PageContext.Provider>
  );
  return c.html(`<!doctype html>${page}`, status);
}
