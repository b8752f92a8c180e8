/** Judges the store: the data file and its disk, or the servers of Redis. */

import { findingsOf } from "../../redis/link/server_check.ts";
import type { DataFileFacts, Facts, RedisFacts } from "../facts.ts";
import { error, type Finding, warning } from "../finding.ts";

const MIN_FREE_BYTES = 1024 ** 3;

/** Checks what the address of the store leads to. */
export function checkStore({ store, storeFault }: Facts): readonly Finding[] {
  if (storeFault !== undefined) {
    return [error("store_address_faulty", storeFault, {
      do: "Correct CARILLON_STORE: kv:<file>, or redis://<host> as in docs/deploy.md",
    })];
  }
  if (store === undefined) return [];
  return store.kind === "file" ? fileFindings(store) : redisFindings(store);
}

function fileFindings(
  { path, writeFault, freeBytes, damage }: DataFileFacts,
): readonly Finding[] {
  const found: Finding[] = [];
  if (writeFault !== undefined) {
    found.push(error("data_folder_not_writable", `The folder of ${path}: ${writeFault}`, {
      do:
        "Mount the disk for writing, and give the folder to the user of the service; a container " +
        "needs a volume there",
    }));
  }
  if (freeBytes !== undefined && freeBytes < MIN_FREE_BYTES) {
    const mebibytes = Math.floor(freeBytes / 1024 ** 2);
    found.push(warning("disk_nearly_full", `The disk of ${path} has ${mebibytes} MiB left`, {
      do:
        "Make room: with a full disk publishes are answered with 503, and a backup needs as much " +
        "again as the data file",
    }));
  }
  for (const { severity, file, message } of damage) {
    found.push(
      severity === "fatal"
        ? error("data_file_damaged", `${file}: ${message}`, {
          do:
            `Move the file and all beside it away and restore the last backup: deno task restore ` +
            `<backup> ${path}; without one: deno task restore --salvage <damaged file> ${path}`,
        })
        : warning("data_file_cut", `${file}: ${message}`, {
          do: "After a crash of the machine nothing; where the file was copied, copy it with " +
            "'deno task backup' instead, and restore that",
        }),
    );
  }
  return found;
}

function redisFindings({ fault, servers }: RedisFacts): readonly Finding[] {
  if (fault !== undefined) {
    return [error("redis_unreachable", fault, {
      do: "Start Redis, and let this machine through to it; check host, port and password in " +
        "CARILLON_STORE",
    })];
  }
  return servers.flatMap((facts) =>
    findingsOf(facts).map(({ severity, message }) => {
      const code = /maxmemory-policy/.test(message)
        ? "redis_evicts"
        : /appendonly/.test(message)
        ? "redis_not_durable"
        : /replica/.test(message)
        ? "redis_is_replica"
        : "redis_too_old";
      const advice = { do: `${ADVICE[code]}` };
      return severity === "fatal" || code === "redis_evicts"
        ? error(code, message, advice)
        : warning(code, message, advice);
    })
  );
}

const ADVICE: Readonly<Record<string, string>> = {
  redis_evicts: "redis-cli config set maxmemory-policy noeviction, and the same in redis.conf",
  redis_not_durable: "redis-cli config set appendonly yes, and the same in redis.conf",
  redis_is_replica: "Give CARILLON_STORE the address of the master, or of the Sentinels",
  redis_too_old: "Upgrade to Redis 6.2 or later, or to Valkey",
};
