/** Local hubs under the contract: in memory, and over a store that survives them. */

import { type Clock, systemClock } from "../../core/clock.ts";
import type { EventHub, LocalSockets } from "../../core/events.ts";
import { silentLog } from "../../core/log.ts";
import type { Store } from "../../core/store.ts";
import { EventRecords, LocalHub } from "../../events/mod.ts";
import { GroupCommit, openKvStore } from "../../store/mod.ts";
import type { HubsUnderTest } from "../contract/events_contract.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { mortalClock } from "../support/mortal_clock.ts";

/** The default window, and caps that tests can reach. */
export const LIMITS = { windowMs: 120_000, maxEventsPerUser: 10, maxBytes: 1e6 };

/** Local hubs with a fake clock. */
interface LocalHubs extends HubsUnderTest {
  readonly clock: FakeClock;
}

/** Creates a hub over a store; while `alive` returns false, its writes are lost. */
export function hubOver(
  store: Store,
  { clock, alive = () => true, limits = LIMITS, group = new GroupCommit(store, { clock }) }: {
    readonly clock: Clock;
    readonly alive?: () => boolean;
    readonly limits?: typeof LIMITS;
    readonly group?: GroupCommit;
  },
): LocalHub {
  const commit = (changes: Parameters<GroupCommit["commit"]>[0]) =>
    alive() ? group.commit(changes) : new Promise<void>(() => {});
  const records = new EventRecords({ store, commit });
  return new LocalHub({ clock, log: silentLog, settings: () => limits, records });
}

/** Creates hubs in memory. A crash loses everything. */
export function memoryHubs(limits = LIMITS): Promise<LocalHubs> {
  const make = (clock: Clock) => new LocalHub({ clock, log: silentLog, settings: () => limits });
  return Promise.resolve(hubs(new FakeClock(), make));
}

/** Creates hubs over one Deno KV, one after the other. */
export async function kvHubs(limits = LIMITS): Promise<LocalHubs> {
  const clock = new FakeClock();
  const store = await openKvStore(":memory:", { clock: systemClock, random: () => .5 });
  const group = new GroupCommit(store, { clock });
  const make = (mortal: Clock, alive: () => boolean) =>
    hubOver(store, { clock: mortal, alive, limits, group });
  const under = hubs(clock, make, () => group.drain());
  return {
    ...under,
    async dispose() {
      await under.dispose();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** @param written resolves when all commits given to the store are written */
function hubs(
  clock: FakeClock,
  make: (clock: Clock, alive: () => boolean) => LocalHub,
  written: () => Promise<void> = () => Promise.resolve(),
): LocalHubs {
  const open = new Map<EventHub, () => void>();
  return {
    clock,
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
      // In steps, so that each write happens at its time.
      for (let step = 0; step < 40; step++) {
        await clock.advance(ms / 40);
        await written();
      }
    },
    async crash(hub) {
      open.get(hub)!();
      open.delete(hub);
      await written();
    },
    async dispose() {
      for (const hub of open.keys()) await hub[Symbol.asyncDispose]();
    },
  };
}
