/** A record that exists once for all nodes that share a store, such as a key or an id. */

import { ServiceError } from "./errors.ts";
import type { Store, StoreKey } from "./store.ts";

const ATTEMPTS = 5;

/**
 * Reads a record, or creates it where this is the first start; of several nodes that create it, all
 * return the same value.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function readOrCreate<T>(
  store: Store,
  { key, create }: { readonly key: StoreKey; readonly create: () => T },
): Promise<T> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = await store.get<T>(key);
    if (found) return found.value;
    const value = create();
    if (await store.commit({ checks: [{ key, version: null }], sets: [{ key, value }] })) {
      return value;
    }
  }
  const message = `Cannot create the record ${key.join("/")}: others keep changing it`;
  throw new ServiceError("store_unavailable", message);
}
