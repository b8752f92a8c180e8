/**
 * How much the fuzz tests do, and from which seed. Each case has a random source of its own, made
 * from the seed and the number of the case, so that one case can be repeated without the others.
 */

import v8 from "node:v8";
import vm from "node:vm";
import { seeded } from "../support/seeded.ts";

/** Chance, and what is mostly asked of it. */
export interface Dice {
  /** From 0 (inclusive) to 1 (exclusive). */
  roll(): number;
  /** A whole number from 0 to `below`, exclusive. */
  below(below: number): number;
  /** Whether it happens, with this probability. */
  chance(probability: number): boolean;
  pick<T>(all: readonly T[]): T;
}

/** How many times the size of CI is run. */
const FUZZ_FACTOR = factorOf(Deno.env.get("CARILLON_FUZZ"));

/** The seed of this run. */
const FUZZ_SEED = Number(Deno.env.get("CARILLON_FUZZ_SEED") ?? 20_261_123);

/** The dice of one case. */
export function diceOf(seed: number): Dice {
  const roll = seeded(seed);
  for (let n = 0; n < 3; n++) roll(); // neighbouring seeds begin alike
  const below = (count: number) => Math.floor(roll() * count);
  return {
    roll,
    below,
    chance: (probability) => roll() < probability,
    pick: (all) => all[below(all.length)]!,
  };
}

/**
 * Runs cases one after the other, or a few at once, and says how to repeat the one that fails.
 *
 * @param run throws where something does not hold
 */
export async function fuzz(
  { cases, atOnce = 1 }: { readonly cases: number; readonly atOnce?: number },
  run: (dice: Dice, number: number) => Promise<void> | void,
): Promise<void> {
  const all = Math.ceil(cases * FUZZ_FACTOR);
  let next = 0;
  let failed = false;
  async function work(): Promise<void> {
    while (next < all && !failed) {
      const number = next++;
      try {
        await run(diceOf(FUZZ_SEED + number), number);
      } catch (cause) {
        failed = true;
        const message = cause instanceof Error ? cause.message : String(cause);
        const repeat = `CARILLON_FUZZ_SEED=${FUZZ_SEED + number}`;
        throw new Error(`Case ${number} (alone and first with ${repeat}): ${message}`, { cause });
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work));
}

/** Bytes that this process holds after its garbage is collected, as far as that can be asked. */
export function heldBytes(): number {
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc") as (() => void) | undefined;
  collect?.();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

function factorOf(text: string | undefined): number {
  const factor = Number(text ?? 1);
  if (!(factor > 0)) throw new RangeError(`Cannot run with CARILLON_FUZZ=${text}: not above 0`);
  return factor;
}
