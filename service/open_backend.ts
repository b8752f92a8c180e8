/** Chooses what a node stands on, by the address of its store. */

import { isRedisAddress } from "../redis/mod.ts";
import { openStore } from "../store/mod.ts";
import type { Backend } from "./backend.ts";
import { createEmbeddedBackend } from "./embedded_backend.ts";
import { openRedisBackend, type RedisBackendOptions } from "./redis_backend.ts";

/**
 * Opens the backend at an address.
 *
 * @throws {ServiceError} `invalid_configuration`, `store_unavailable`
 */
export async function openBackend(
  address: string,
  options: RedisBackendOptions,
): Promise<Backend> {
  if (isRedisAddress(address)) return await openRedisBackend(address, options);
  const store = await openStore(address, {
    ...options,
    onDamage: ({ file, message }) =>
      options.log.warn("the data file is damaged", { file, reason: message }),
  });
  return createEmbeddedBackend(store);
}
