/** Makes one store handle look like one that several processes share. */

import { ServiceError } from "../../core/errors.ts";
import type { Store } from "../../core/store.ts";

/** A store as one of the processes that share it sees it. */
interface SharedView extends Store {
  /** Every write and read fails from now on, or works again: for this process alone. */
  cutOff(isCutOff: boolean): void;
  /** Commits take effect and fail nevertheless from now on, or are answered again. */
  loseAnswers(areLost: boolean): void;
  /** Operations under way. */
  readonly pending: number;
}

/** Creates the view that one of several processes has of a store. Disposing it leaves the store open. */
export function sharedView(store: Store): SharedView {
  let isCutOff = false;
  let areLost = false;
  let pending = 0;

  const away = () => new ServiceError("store_unavailable", "It cannot be reached");

  async function follow<R>(operation: () => Promise<R>): Promise<R> {
    if (isCutOff) throw away();
    pending++;
    try {
      return await operation();
    } finally {
      pending--;
    }
  }

  return {
    traits: { ...store.traits, shared: true },
    get: (key) => follow(() => store.get(key)),
    getMany: (keys) => follow(() => store.getMany(keys)),
    async *list<T>(range: Parameters<Store["list"]>[0]) {
      const entries = store.list<T>(range)[Symbol.asyncIterator]();
      for (;;) {
        const next = await follow(() => entries.next());
        if (next.done) return;
        yield next.value;
      }
    },
    commit: (commit) =>
      follow(async () => {
        const done = await store.commit(commit);
        if (areLost) throw away();
        return done;
      }),
    loseAnswers: (are) => void (areLost = are),
    cutOff: (is) => void (isCutOff = is),
    get pending() {
      return pending;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
