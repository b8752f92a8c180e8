/** Closes sockets a few per second, so that their clients do not all come back at once. */

import { type Clock, sleep } from "../core/clock.ts";
import type { SocketConnection } from "./_socket_connections.ts";

/** How fast a node may be left. */
export interface DrainPace {
  /** Sockets, as long as that is fast enough. */
  readonly perSecond: number;
  /** Milliseconds in which the last is closed. */
  readonly withinMs: number;
}

/** What draining needs besides. */
export interface DrainOptions extends DrainPace {
  readonly clock: Clock;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
}

/** Timers are not finer than this; where sockets are closed faster, several go at once. */
const SHORTEST_STEP_MS = 20;

/** Resolves when none is left. Each waits half to one and a half times its turn. */
export async function drainSockets(
  connections: Iterable<SocketConnection>,
  { clock, random, ...pace }: DrainOptions,
): Promise<void> {
  const endsAt = clock.monotonic() + pace.withinMs;
  for (;;) {
    const open = [...connections].filter(({ engine }) => engine.readyState !== "closed");
    if (open.length === 0) return;
    const leftMs = endsAt - clock.monotonic();
    const { count, pauseMs } = drainStep(open.length, { ...pace, leftMs, random: random() });
    for (let n = 0; n < count; n++) {
      const at = Math.floor(random() * open.length);
      const [{ engine }] = open.splice(at, 1) as [SocketConnection];
      // Without a DISCONNECT packet, upon which a client would not come back.
      engine.close(true);
      if (engine.readyState !== "closed") engine.onClose("forced close");
    }
    if (pauseMs > 0) await sleep(clock, pauseMs);
  }
}

/** Decides how many of the open sockets to close now, and how long to wait then. */
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
