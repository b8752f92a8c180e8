/** Opens the store that an address such as `kv:./data/carillon.kv` names. */

import { messageOf, ServiceError } from "../core/errors.ts";
import type { Store } from "../core/store.ts";
import { dataFolder } from "./data_folder.ts";
import { withJournal } from "./journaled_store.ts";
import { type KvStoreOptions, openKvStore } from "./kv_store.ts";
import { MemoryStore } from "./memory_store.ts";

const KNOWN = "'kv:<file>', 'kv:' (the platform's own), 'memory:' or 'redis://<host>'";
/** Schemes that folder `redis/` opens. */
const REDIS = /^(redis|valkey)s?(\+|$)/;

/**
 * Opens a store: `kv:<file>` on a file, whose folder it creates if needed, `kv:` on the platform's
 * own Deno KV, `memory:` without a file. Folder `redis/` opens Redis.
 *
 * @throws {ServiceError} `invalid_configuration` where the address names no known store,
 * `store_unavailable` where the file cannot be opened. Messages show only the scheme of the
 * address, which may contain a password.
 */
export async function openStore(address: string, options: KvStoreOptions): Promise<Store> {
  const colon = address.indexOf(":");
  const scheme = colon < 0 ? "" : address.slice(0, colon);
  const rest = address.slice(colon + 1);
  switch (scheme) {
    case "kv": {
      const folder = dataFolder(address);
      if (folder === undefined) return await openKvStore(rest === "" ? undefined : rest, options);
      await createFolder(folder);
      return await withJournal(await openKvStore(rest, options), { ...options, path: rest });
    }
    case "memory":
      if (rest === "") return new MemoryStore(options);
      throw new ServiceError(
        "invalid_configuration",
        "Cannot open the store: 'memory:' takes no path",
      );
    default:
      throw new ServiceError(
        "invalid_configuration",
        `Cannot open a store at '${/^[a-z0-9+.-]{1,20}$/i.test(scheme) ? `${scheme}:` : "…"}': ` +
          (REDIS.test(scheme) ? "only a link to Redis can" : `use ${KNOWN}`),
      );
  }
}

async function createFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new ServiceError(
      "store_unavailable",
      `Cannot create the data folder ${folder}: ${messageOf(cause)}`,
      { cause },
    );
  }
}
