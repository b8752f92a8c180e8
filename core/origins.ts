/**
 * CORS: which web pages may open sockets and read public responses. Browsers send `Origin` with every
 * WebSocket and every cross-site poll. Other clients send none; only their credential is checked.
 */

interface OriginCheck {
  readonly origin: string | null;
  /** The `Host` of the request. */
  readonly host: string | null;
  /** Origins that are allowed besides this host; `*` allows all. */
  readonly allowed: readonly string[];
}

/** Whether a page of this origin may open sockets here and read responses. */
export function isOriginAllowed({ origin, host, allowed }: OriginCheck): boolean {
  if (origin === null || allowed.includes("*") || allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** Adds the headers that let an allowed page of another origin read a response. */
export function withCors(origin: string | null, response: Response): Response {
  if (origin === null || response.status === 101) return response;
  response.headers.set("access-control-allow-origin", origin);
  response.headers.set("access-control-allow-credentials", "true");
  response.headers.append("vary", "Origin");
  return response;
}

/** Answers a CORS preflight request. */
export function preflight(request: Request, methods = "GET, POST"): Response {
  const headers = new Headers({
    "access-control-allow-methods": methods,
    "access-control-max-age": "7200",
  });
  const wanted = request.headers.get("access-control-request-headers");
  if (wanted !== null) headers.set("access-control-allow-headers", wanted);
  return new Response(null, { status: 204, headers });
}
