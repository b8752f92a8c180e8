/** Closes sockets gradually, so that their clients do not all reconnect at once. */

import { sleep } from "../core/clock.ts";
import type { SystemDeps } from "../core/system_deps.ts";
import type { SocketConnection } from "./_socket_connections.ts";

/** How fast a node closes its sockets. */
export interface DrainPace {
  /** Sockets per second, unless that takes longer than `withinMs`. */
  readonly perSecond: number;
  /** Milliseconds within which the last socket is closed. */
  readonly withinMs: number;
}

/** Timers are not finer than this. A faster drain closes several sockets at a time. */
const SHORTEST_STEP_MS = 20;

/** Closes all sockets and resolves when none is left. Pauses have a jitter of a half. */
export async function drainSockets(
  connections: Iterable<SocketConnection>,
  { clock, random, ...pace }: DrainPace & Pick<SystemDeps, "clock" | "random">,
): Promise<void> {
  const endsAt = clock.monotonic() + pace.withinMs;
  for (;;) {
    const open = [...connections].filter(({ port }) => port.readyState !== "closed");
    if (open.length === 0) return;
    const leftMs = endsAt - clock.monotonic();
    const { count, pauseMs } = drainStep(open.length, { ...pace, leftMs, random: random() });
    for (let n = 0; n < count; n++) {
      const at = Math.floor(random() * open.length);
      const [{ port }] = open.splice(at, 1) as [SocketConnection];
      // No DISCONNECT packet: a client that receives one does not reconnect.
      port.close(true);
      if (port.readyState !== "closed") port.onClose("forced close");
    }
    if (pauseMs > 0) await sleep(clock, pauseMs);
  }
}

/** Decides how many of the `open` sockets to close now, and how long to pause then. */
export function drainStep(
  open: number,
  { perSecond, leftMs, random }: {
    readonly perSecond: number;
    readonly leftMs: number;
    readonly random: number;
  },
): { readonly count: number; readonly pauseMs: number } {
  if (leftMs <= 0) return { count: open, pauseMs: 0 };
  const perMs = Math.max(perSecond / 1000, open / leftMs);
  const stepMs = Math.max(SHORTEST_STEP_MS, 1 / perMs);
  const count = Math.min(open, Math.max(1, Math.round(stepMs * perMs)));
  return { count, pauseMs: count === open ? 0 : Math.min(stepMs * (.5 + random), leftMs) };
}
