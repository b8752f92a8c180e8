/** What the commands share that start fakes: their ports, their configuration and their end. */

import { type ServerName, SERVERS } from "./addresses.ts";
import { sampleConfiguration } from "./sample_configuration.ts";
import type { Simulator } from "./simulator.ts";

/** Returns a port for each server, from the first on; 0 leaves the choice of all to the system. */
export function portsFrom(first: number): Readonly<Partial<Record<ServerName, number>>> {
  return Object.fromEntries(
    SERVERS.map((name, index) => [name, first === 0 ? 0 : first + index]),
  );
}

/** Writes the sample configuration and its credentials, readable by this user only. */
export async function writeSampleConfiguration(
  { addresses, material }: Simulator,
  folder: string,
): Promise<void> {
  await Deno.mkdir(`${folder}/conf`, { recursive: true });
  for (const { path, content } of sampleConfiguration({ addresses, material, folder })) {
    await writePrivate(`${folder}/${path}`, content);
  }
}

/** Writes a file that only this user can read. */
export async function writePrivate(path: string, content: string | Uint8Array): Promise<void> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  await Deno.writeFile(path, bytes, { mode: 0o600 });
}

/** Resolves at the first signal to stop; a second one ends the process at once. */
export async function stopSignal(): Promise<void> {
  const signals = ["SIGINT", "SIGTERM"] as const;
  const stopped = Promise.withResolvers<void>();
  for (const signal of signals) Deno.addSignalListener(signal, stopped.resolve);
  await stopped.promise;
  for (const signal of signals) Deno.removeSignalListener(signal, stopped.resolve);
}
