/** The one stream of the console: server-sent events with the content of the page "Now". */

import { Hono } from "hono";
import { ServiceError } from "../core/errors.ts";
import { type ConsoleEnv, sessionCookie } from "./_guard.ts";
import { NowContent } from "./_now_page.tsx";
import { seesAll } from "./_pages.tsx";
import type { LiveFeed, LiveState } from "./live.ts";
import type { ConsoleSessions } from "./sessions.ts";

/** What the stream needs. */
interface StreamDeps {
  readonly live: LiveFeed;
  readonly sessions: ConsoleSessions;
}

const MAX_VIEWERS = 100;

/** Creates the route of the stream. */
export function liveRoutes({ live, sessions }: StreamDeps): Hono<ConsoleEnv> {
  const app = new Hono<ConsoleEnv>();
  const render = createRenderer();
  app.get("/live", (c) => {
    if (!seesAll(c.var.session)) {
      throw new ServiceError("forbidden", "Cannot show this to a credential for some contexts");
    }
    if (live.viewers >= MAX_VIEWERS) {
      throw new ServiceError(
        "too_many_requests",
        "Cannot open another live page: too many are open",
      );
    }
    const secret = sessionCookie(c);
    let stop: (() => void) | undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        stop = live.watch((state) => void send(state));

        async function send(state: LiveState): Promise<void> {
          // A slow reader misses ticks instead of filling memory.
          if ((controller.desiredSize ?? 0) <= 0) return;
          const session = await sessions.find(secret).catch(() => undefined);
          if (stop === undefined) return;
          if (session) return controller.enqueue(render(state));
          stop();
          stop = undefined;
          controller.enqueue(ENDED);
          controller.close();
        }
      },
      cancel() {
        stop?.();
        stop = undefined;
      },
    }, { highWaterMark: 2 });
    c.header("content-type", "text/event-stream");
    c.header("x-accel-buffering", "no");
    return c.body(body);
  });
  return app;
}

const encoder = new TextEncoder();
const ENDED = encoder.encode("event: ended\ndata: \n\n");

/** Renders each state once, whatever the number of viewers. */
function createRenderer(): (state: LiveState) => Uint8Array {
  let last: { readonly state: LiveState; readonly bytes: Uint8Array } | undefined;
  return (state) => {
    if (last?.state !== state) {
      const html = String(<NowContent state={state} />).replaceAll("\n", " ");
      last = { state, bytes: encoder.encode(`event: now\ndata: ${html}\n\n`) };
    }
    return last.bytes;
  };
}
