/** Waits for something to come true in the real world, with a deadline instead of a guess. */

const STEP_MS = 5;

/**
 * Asks `look` again and again until it answers with something other than `undefined` or `false`.
 *
 * @throws {Error} with `what` where it has not by then.
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 15_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`Still waiting: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
}
