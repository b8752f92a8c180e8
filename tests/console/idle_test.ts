/** The console of a whole service where nobody looks: it sets no timer and reads no record. */

import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../core/clock.ts";
import { ADMIN_KEY, startTestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";
import { SignedIn } from "./_console.ts";

/** A clock that counts the timers, and the readings of the time, that the console asks for. */
class WatchedClock implements Clock {
  byConsole = 0;
  /** Timers of the console that have neither fired nor been cancelled. */
  pending = 0;

  now(): number {
    this.#look();
    return systemClock.now();
  }

  monotonic(): number {
    this.#look();
    return systemClock.monotonic();
  }

  after(ms: number, run: () => void) {
    if (!this.#look()) return systemClock.after(ms, run);
    this.pending++;
    let isPending = true;
    const end = () => {
      if (isPending) this.pending--;
      isPending = false;
    };
    const timer = systemClock.after(ms, () => {
      end();
      run();
    });
    return {
      cancel() {
        end();
        timer.cancel();
      },
    };
  }

  /** Whether the console asks. */
  #look(): boolean {
    const stack = new Error().stack ?? "";
    const isConsole = /\/console\/(?!.*_test)|\/node_reports\.ts/.test(stack);
    if (isConsole) this.byConsole++;
    return isConsole;
  }
}

Deno.test("nobody looks: the console sets no timer and reads no time, whatever is published", async () => {
  const clock = new WatchedClock();
  await using service = await startTestService({ clock });
  // The reports remember when the service has started.
  const { byConsole } = clock;
  const ids = await service.publishAll(Array.from({ length: 100 }, (_, n) => ({ data: { n } })));
  for (const id of ids) await service.settled(id);
  assert.deepEqual([clock.byConsole - byConsole, clock.pending], [0, 0]);
});

Deno.test("a viewer who is signed in costs timers only while the page Now is open", async () => {
  const clock = new WatchedClock();
  await using service = await startTestService({ clock });
  const one = await SignedIn.with(service, ADMIN_KEY);
  const stream = await fetch(`${service.address}/console/live`, {
    headers: { cookie: one.cookie },
  });
  const reader = stream.body!.getReader();
  await reader.read();
  assert.ok(clock.byConsole > 0);
  await reader.cancel();
  // While a reading is made there is no timer either; that takes a few milliseconds.
  let looks = 0;
  await until("the service has seen that the page is closed", () => {
    looks = clock.pending === 0 ? looks + 1 : 0;
    return looks === 40;
  });
  const { byConsole } = clock;
  const ids = await service.publishAll(Array.from({ length: 100 }, (_, n) => ({ data: { n } })));
  for (const id of ids) await service.settled(id);
  assert.deepEqual([clock.byConsole, clock.pending], [byConsole, 0]);
});
