/** Looks at the store that an address names, without changing what is in it. */

import { statfs } from "node:fs/promises";
import type { Clock } from "../../core/clock.ts";
import { messageOf, ServiceError } from "../../core/errors.ts";
import { parseInfo } from "../../redis/link/server_check.ts";
import { isRedisAddress, openLink } from "../../redis/mod.ts";
import { dataFolder } from "../../store/data_folder.ts";
import { checkDataFile } from "../../store/file_check.ts";
import type { ClockFacts, DataFileFacts, RedisFacts, RedisServerFacts } from "../facts.ts";

/** What was found. */
interface StoreProbe {
  readonly store?: DataFileFacts | RedisFacts;
  readonly storeFault?: string;
  /** The clock of Redis. */
  readonly clock?: ClockFacts;
}

/** Probes the store. */
export async function probeStore(
  address: string,
  { clock, random }: { readonly clock: Clock; readonly random: () => number },
): Promise<StoreProbe> {
  if (isRedisAddress(address)) return await probeRedis(address, { clock, random });
  const folder = dataFolder(address);
  if (folder !== undefined) return { store: await probeFile(address.replace(/^kv:/, ""), folder) };
  if (address === "kv:" || address === "kv::memory:" || address === "memory:") return {};
  return { storeFault: "CARILLON_STORE names no store of this build" };
}

async function probeFile(path: string, folder: string): Promise<DataFileFacts> {
  const writeFault = await writeFaultOf(folder);
  const free = await statfs(folder).then(({ bavail, bsize }) => bavail * bsize, () => undefined);
  return {
    ...{ kind: "file", path },
    ...writeFault !== undefined && { writeFault },
    ...free !== undefined && { freeBytes: free },
    // What cannot be read is the finding already.
    damage: await isInUse(path) ? [] : await checkDataFile(path).catch(() => []),
  };
}

/** Tried, not read off the mode: a disk may be mounted read-only, or be full. */
async function writeFaultOf(folder: string): Promise<string | undefined> {
  const probe = `${folder}/.carillon-doctor-${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(probe, "probe", { createNew: true });
    await Deno.remove(probe);
    return undefined;
  } catch (thrown) {
    await Deno.remove(probe).catch(() => {});
    return messageOf(thrown, 200);
  }
}

/** A service that works on the file changes it while it is read. */
async function isInUse(path: string): Promise<boolean> {
  try {
    using lock = await Deno.open(`${path}-lock`, { write: true });
    return !lock.tryLockSync(true);
  } catch {
    return false;
  }
}

async function probeRedis(
  address: string,
  { clock, random }: { readonly clock: Clock; readonly random: () => number },
): Promise<StoreProbe> {
  try {
    await using link = await openLink(address, { clock, random, openWithinMs: 3_000 });
    const infos = await link.each(["INFO"]);
    const saves = await link.each(["CONFIG", "GET", "save"]).catch(() => []);
    const servers = infos.map(({ server, reply }): RedisServerFacts => {
      const save = saves.find((each) => each.server === server)?.reply;
      return {
        server,
        info: parseInfo(String(reply)),
        save: Array.isArray(save) ? String(save[1] ?? "") : undefined,
      };
    });
    return {
      store: { kind: "redis", servers },
      clock: { whose: "Redis", aheadMs: link.now() - clock.now(), withinMs: 1_000 },
    };
  } catch (thrown) {
    if (!(thrown instanceof ServiceError)) throw thrown;
    if (thrown.code === "invalid_configuration") return { storeFault: thrown.message };
    return { store: { kind: "redis", fault: thrown.message, servers: [] } };
  }
}
