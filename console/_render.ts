/** Renders a page as the answer to a request. */

import type { Context } from "hono";
import type { JSX } from "hono/jsx/jsx-runtime";

/** Answers with a page. */
export function renderPage(
  c: Context,
  element: JSX.Element,
  status: 200 | 401 | 403 | 404 | 500 | 503 = 200,
): Response | Promise<Response> {
  return c.html(`<!doctype html>${element}`, status);
}
