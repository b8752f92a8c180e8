/** `backup`: copies the store to a file while the service works with it. */

import { backUpDataFile } from "../../store/backup.ts";
import { parseAddress } from "../../redis/link/address.ts";
import { exportLines, isRedisAddress, openLink } from "../../redis/mod.ts";
import type { Input } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { CliError } from "../exit_codes.ts";
import { storePlace } from "../store_place.ts";

/** Backs up a data file, or exports Redis. */
export default async function run(input: Input, deps: CliDeps): Promise<void> {
  const { output } = deps;
  const { from: first, to: second } = input.args;
  const from = storePlace(second === undefined ? undefined : first, deps);
  const to = (second ?? first)!.replace(/^kv:/, "");
  if (isRedisAddress(from)) {
    const keys = await exportTo(to, { address: from, deps });
    output.result({ to, keys }, `Redis is exported to ${to}: ${keys} keys`);
    return;
  }
  output.progress(`copying ${from} …`);
  const { clock, random } = deps;
  const bytes = await backUpDataFile({ from, to, clock, random });
  output.result({ from, to, bytes }, `${from} is backed up to ${to}: ${bytes} bytes`);
}

/** Under another name until it is whole, so that nobody takes a part of it for a backup. */
async function exportTo(to: string, { address, deps }: {
  readonly address: string;
  readonly deps: CliDeps;
}): Promise<number> {
  const { output, clock, random, signal } = deps;
  if (await Deno.stat(to).then(() => true, () => false)) {
    throw new CliError("failed", `Cannot back up to ${to}: the target exists; choose another`);
  }
  const partial = `${to}-partial`;
  await using link = await openLink(address, { clock, random });
  let count = -2; // the first and the last line are no keys
  try {
    // One that is left of an export that was broken off is written over.
    using file = await Deno.open(partial, {
      create: true,
      truncate: true,
      write: true,
      mode: 0o600,
    });
    const encoder = new TextEncoder();
    const lines = exportLines({
      link,
      topology: parseAddress(address).topology,
      onProgress: (keys) => output.progress(`${keys} keys …`),
      signal,
    });
    for await (const line of lines) {
      const bytes = encoder.encode(`${line}\n`);
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      count++;
    }
    await file.sync();
  } catch (thrown) {
    await Deno.remove(partial).catch(() => {});
    throw thrown;
  }
  await Deno.rename(partial, to);
  return count;
}
