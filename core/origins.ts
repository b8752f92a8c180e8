/**
 * Which web pages may open sockets and read what is public. Browsers send `Origin` with every
 * WebSocket and every cross-site poll; anything that is no browser sends none and is told by its
 * credential alone.
 */

/** Whose page asks, and what it asks for. */
export interface OriginQuestion {
  readonly origin: string | null;
  /** The own host, as the request named it. */
  readonly host: string | null;
  /** Origins beyond the own host; `*` stands for all. */
  readonly allowed: readonly string[];
}

/** Whether a page may open sockets here, and read answers. */
export function isOriginAllowed({ origin, host, allowed }: OriginQuestion): boolean {
  if (origin === null || allowed.includes("*") || allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** Adds the headers that let an allowed page of another site read a response. */
export function withCors(origin: string | null, response: Response): Response {
  if (origin === null || response.status === 101) return response;
  response.headers.set("access-control-allow-origin", origin);
  response.headers.set("access-control-allow-credentials", "true");
  response.headers.append("vary", "Origin");
  return response;
}

/** The answer to a browser that asks before a cross-site request. */
export function preflight(request: Request, methods = "GET, POST"): Response {
  const headers = new Headers({
    "access-control-allow-methods": methods,
    "access-control-max-age": "7200",
  });
  const wanted = request.headers.get("access-control-request-headers");
  if (wanted !== null) headers.set("access-control-allow-headers", wanted);
  return new Response(null, { status: 204, headers });
}
