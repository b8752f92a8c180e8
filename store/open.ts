/** Opens the store that an address such as `kv:./data/carillon.kv` names. */

import { messageOf, ServiceError } from "../core/errors.ts";
import type { Store } from "../core/store.ts";
import { lockJournal } from "./_journal.ts";
import { dataFolder } from "./data_folder.ts";
import { checkDataFile, damageText, type FileDamage } from "./file_check.ts";
import { withJournal } from "./journaled_store.ts";
import { type KvStoreOptions, openKvStore } from "./kv_store.ts";
import { MemoryStore } from "./memory_store.ts";

const KNOWN = "'kv:<file>', 'kv:' (the platform's own), 'memory:' or 'redis://<host>'";
/** Schemes that folder `redis/` opens. */
const REDIS = /^(redis|valkey)s?(\+|$)/;

interface OpenStoreOptions extends KvStoreOptions {
  /** Receives damage that does not keep the store from being opened. */
  readonly onDamage?: (damage: FileDamage) => void;
}

/**
 * Opens a store: `kv:<file>` on a file, whose folder it creates if needed, `kv:` on the platform's
 * own Deno KV, `memory:` without a file. Folder `redis/` opens Redis.
 *
 * @throws {ServiceError} `invalid_configuration` where the address names no known store,
 * `store_unavailable` where the file cannot be opened, `store_damaged` where it is damaged. Messages show only the scheme of the
 * address, which may contain a password.
 */
export async function openStore(address: string, options: OpenStoreOptions): Promise<Store> {
  const colon = address.indexOf(":");
  const scheme = colon < 0 ? "" : address.slice(0, colon);
  const rest = address.slice(colon + 1);
  switch (scheme) {
    case "kv": {
      const folder = dataFolder(address);
      if (folder === undefined) return await openKvStore(rest === "" ? undefined : rest, options);
      await createFolder(folder);
      await refuseDamaged(rest, options);
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

/** For its owner and group alone: the data file has addresses of devices and what is published. */
async function createFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o750 });
  } catch (cause) {
    throw new ServiceError(
      "store_unavailable",
      `Cannot create the data folder ${folder}: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/** Checks the data file before SQLite repairs its write-ahead log by dropping what is wrong. */
async function refuseDamaged(path: string, { onDamage }: OpenStoreOptions): Promise<void> {
  // A process that works on the file changes it while it is read; opening says that it is in use.
  using lock = tryLock(path);
  if (lock === undefined) return;
  const damage = await checkDataFile(path);
  if (damage.some(({ severity }) => severity === "fatal")) {
    throw new ServiceError("store_damaged", damageText(path, damage));
  }
  for (const each of damage) onDamage?.(each);
}

/** Nothing where the folder cannot be written: opening says why. */
function tryLock(path: string): Disposable | undefined {
  try {
    return lockJournal(path);
  } catch {
    return undefined;
  }
}
