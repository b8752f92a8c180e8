/** Local hubs under the contract: in memory alone, and over a store that they find again. */

import { type Clock, systemClock } from "../../core/clock.ts";
import type { EventHub, LocalSockets } from "../../core/events.ts";
import { silentLog } from "../../core/log.ts";
import type { Store } from "../../core/store.ts";
import { createLocalHub, EventRecords, type LocalHub } from "../../events/mod.ts";
import { GroupCommit, openKvStore } from "../../store/mod.ts";
import type { HubsUnderTest } from "../contract/events_contract.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { mortalClock } from "../support/mortal_clock.ts";

/** The default window, and caps that tests can reach. */
export const LIMITS = { windowMs: 120_000, maxEventsPerUser: 10, maxBytes: 1e6 };

/** A world of local hubs. */
export interface LocalHubs extends HubsUnderTest {
  readonly clock: FakeClock;
  readonly store: Store | undefined;
}

/** A hub over a store; `alive` says whether its writes still get there. */
export function hubOver(
  store: Store,
  { clock, alive = () => true, limits = LIMITS }: {
    readonly clock: Clock;
    readonly alive?: () => boolean;
    readonly limits?: typeof LIMITS;
  },
): LocalHub {
  const group = new GroupCommit(store, { clock });
  const commit = (changes: Parameters<GroupCommit["commit"]>[0]) =>
    alive() ? group.commit(changes) : new Promise<void>(() => {});
  const records = new EventRecords({ store, commit });
  return createLocalHub({ clock, log: silentLog, settings: () => limits, records });
}

/** Hubs in memory. A crash forgets everything. */
export function memoryHubs(limits = LIMITS): Promise<LocalHubs> {
  const clock = new FakeClock();
  return Promise.resolve(
    hubs(clock, undefined, (mortal) =>
      createLocalHub({
        clock: mortal,
        log: silentLog,
        settings: () => limits,
      })),
  );
}

/** Hubs over one Deno KV, one after the other. */
export async function kvHubs(limits = LIMITS): Promise<LocalHubs> {
  const clock = new FakeClock();
  const store = await openKvStore(":memory:", { clock: systemClock, random: () => .5 });
  return hubs(clock, store, (mortal, alive) => hubOver(store, { clock: mortal, alive, limits }));
}

function hubs(
  clock: FakeClock,
  store: Store | undefined,
  make: (clock: Clock, alive: () => boolean) => LocalHub,
): LocalHubs {
  const open = new Map<EventHub, () => void>();
  return {
    ...{ clock, store },
    ...{ windowMs: LIMITS.windowMs, maxEventsPerUser: LIMITS.maxEventsPerUser },
    async open(local: LocalSockets) {
      const mortal = mortalClock(clock);
      let isAlive = true;
      const hub = make(mortal, () => isAlive);
      open.set(hub, () => {
        isAlive = false;
        mortal.kill();
      });
      await hub.start(local);
      return hub;
    },
    async pass(ms) {
      // In steps, so that what is written on the way is written at its time.
      for (let step = 0; step < 40; step++) await clock.advance(ms / 40);
    },
    crash(hub) {
      open.get(hub)!();
      open.delete(hub);
      return Promise.resolve();
    },
    async dispose() {
      for (const hub of open.keys()) await hub[Symbol.asyncDispose]();
      await store?.[Symbol.asyncDispose]();
    },
  };
}
