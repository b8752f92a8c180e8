/** How the mock middleware misbehaves towards those who ask it, and its errors. */

/** How the middleware misbehaves towards those who ask it. */
export const MIDDLEWARE_FAULTS = ["hang", "error", "busy", "garbage", "database", "empty"] as const;
/** One of {@link MIDDLEWARE_FAULTS}. */
export type MiddlewareFaultKind = typeof MIDDLEWARE_FAULTS[number];

/** What is answered to every question while a fault is on; one that hangs ends with `over`. */
export async function misbehave(fault: MiddlewareFaultKind, over: AbortSignal): Promise<Response> {
  switch (fault) {
    case "hang":
      await new Promise<void>((resolve) => over.addEventListener("abort", () => resolve()));
      return new Response(null, { status: 503 });
    case "error":
      return new Response("Internal Server Error", { status: 500 });
    case "busy":
      return new Response(null, { status: 503 });
    case "garbage":
      return new Response("<html>a page of a proxy</html>");
    case "empty":
      return Response.json({ data: {} });
    case "database":
      return errorAnswer("DBP-0001", "The database cannot be reached");
  }
}

/** Errors come in answers of status 200, as in the original. */
export function errorAnswer(code: string, text: string): Response {
  return Response.json({
    error: text,
    error_params: [],
    categories: "TRY_AGAIN",
    category: 4,
    code,
    error_id: "1-1",
    error_desc: text,
  });
}
