/** Closes sockets a few per second, so that their clients do not all come back at once. */

import { type Clock, sleep } from "../core/clock.ts";
import type { Connection } from "./_connections.ts";

/** How fast, and by what time and chance. */
export interface DrainOptions {
  readonly perSecond: number;
  readonly clock: Clock;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
}

/** Resolves when none is left. Each waits half to one and a half times its turn. */
export async function drainSockets(
  connections: Iterable<Connection>,
  { perSecond, clock, random }: DrainOptions,
): Promise<void> {
  for (;;) {
    const open = shuffled([...connections], random);
    if (open.length === 0) return;
    for (const { engine } of open) {
      if (engine.readyState === "closed") continue;
      // Without a DISCONNECT packet, upon which a client would not come back.
      engine.close(true);
      await sleep(clock, 1000 / perSecond * (.5 + random()));
    }
  }
}

function shuffled(list: Connection[], random: () => number): Connection[] {
  for (let end = list.length - 1; end > 0; end--) {
    const other = Math.floor(random() * (end + 1));
    [list[end], list[other]] = [list[other]!, list[end]!];
  }
  return list;
}
