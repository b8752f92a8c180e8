/**
 * Answers the HTTP requests of the realtime server: checks the origin of the page and passes each
 * request to what serves its path.
 */

import { isOriginAllowed, preflight, withCors } from "../core/origins.ts";
import type { ClientScripts } from "./_client_script.ts";
import type { HandshakeGuard } from "./_handshake_guard.ts";
import { streamKindAt } from "./_paths.ts";
import type { StreamServer } from "./_stream_server.ts";
import type { Engine } from "./engine.ts";
import { type HandshakeRefusal, refusalResponse } from "./handshake.ts";
import type { RequestInfo } from "./port.ts";
import type { RealtimeSettings } from "./settings.ts";

interface HttpRouterOptions {
  readonly guard: HandshakeGuard;
  readonly engine: Engine;
  readonly streams: StreamServer;
  /** Absent where Socket.IO's client is not served. */
  readonly scripts: ClientScripts | undefined;
  readonly settings: () => RealtimeSettings;
  readonly onRefused: (refusal: HandshakeRefusal) => void;
}

/** Returns the function that answers requests. It never throws. */
export function createHttpRouter(
  { guard, engine, streams, scripts, settings, onRefused }: HttpRouterOptions,
): (request: Request, info: RequestInfo) => Promise<Response> {
  async function refuse(request: Request, refusal: HandshakeRefusal): Promise<Response> {
    await request.body?.cancel().catch(() => {});
    onRefused(refusal);
    return refusalResponse(refusal);
  }

  async function answer(request: Request, info: RequestInfo): Promise<Response> {
    const url = new URL(request.url);
    const kind = streamKindAt(url.pathname);
    if (kind) return await streams.fetch(kind, request, info);
    const script = scripts?.answer(request, url.pathname);
    if (script) return await script;
    // The engine takes the last of several `sid`s, and an empty one opens a session. Opening a
    // session must not bypass the handshake guard, so this reads the parameter the same way.
    if (url.searchParams.getAll("sid").at(-1)) return await engine.fetch(request, { info });
    const context = await guard.checkHandshake(request, info);
    if (context.refusal) return await refuse(request, context.refusal);
    return await engine.fetch(request, { info, context });
  }

  return async (request, info) => {
    // Read first: Deno drops the headers of a request that is upgraded or cut off.
    const origin = request.headers.get("origin");
    const host = request.headers.get("host");
    if (!isOriginAllowed({ origin, host, allowed: settings().allowedOrigins })) {
      const message = "Pages of this origin may not open sockets here";
      return await refuse(request, { code: "foreign_origin", message });
    }
    if (request.method === "OPTIONS") return withCors(origin, preflight(request));
    return withCors(origin, await answer(request, info));
  };
}
