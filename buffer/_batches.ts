/** Makes many calls into few: those that arrive while a round is under way go together in the next. */

/**
 * A function whose calls are done in rounds, one after the other.
 *
 * @param run answers the items of a round in their order; where it rejects, so do all of its calls
 */
export function groupIntoBatches<T, R>(
  run: (items: readonly T[]) => Promise<readonly R[]>,
  { limit }: { readonly limit: number },
): (item: T) => Promise<R> {
  let waiting: { readonly item: T; readonly result: PromiseWithResolvers<R> }[] = [];
  let isWorking = false;

  async function work(): Promise<void> {
    isWorking = true;
    await null; // what is asked for in this turn of the event loop goes into the same round
    while (waiting.length > 0) {
      const round = waiting.slice(0, limit);
      waiting = waiting.slice(limit);
      try {
        const results = await run(round.map(({ item }) => item));
        round.forEach(({ result }, at) => result.resolve(results[at]!));
      } catch (thrown) {
        for (const { result } of round) result.reject(thrown);
      }
    }
    isWorking = false;
  }

  return (item) => {
    const result = Promise.withResolvers<R>();
    waiting.push({ item, result });
    if (!isWorking) void work();
    return result.promise;
  };
}
