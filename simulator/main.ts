// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * `deno task simulate`: the fake providers as a command. Settings come from flags or the environment:
 * `--port` (`SIMULATOR_PORT`, 9100: the API; the providers follow), `--host` (`SIMULATOR_HOST`),
 * `--public-host` (`SIMULATOR_PUBLIC_HOST`), `--latency` (`SIMULATOR_LATENCY_MS`), `--keep`
 * (`SIMULATOR_KEEP`, pushes that are kept) and `--data` (`SIMULATOR_DATA`, `./data/simulator`).
 */

import { parseArgs } from "node:util";
import { portsFrom, stopSignal, writePrivate, writeSampleConfiguration } from "./command.ts";
import { createMaterial, type Material } from "./material.ts";
import { type Simulator, startSimulator } from "./simulator.ts";

const DAY_MS = 86_400_000;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    port: { type: "string", default: Deno.env.get("SIMULATOR_PORT") ?? "9100" },
    host: { type: "string", default: Deno.env.get("SIMULATOR_HOST") ?? "127.0.0.1" },
    "public-host": {
      type: "string",
      default: Deno.env.get("SIMULATOR_PUBLIC_HOST") ?? "localhost",
    },
    latency: { type: "string", default: Deno.env.get("SIMULATOR_LATENCY_MS") ?? "0" },
    keep: { type: "string", default: Deno.env.get("SIMULATOR_KEEP") ?? "1000" },
    data: { type: "string", default: Deno.env.get("SIMULATOR_DATA") ?? "./data/simulator" },
  },
});
await Deno.mkdir(values.data, { recursive: true });
const folder = await Deno.realPath(values.data);
const simulator = await startSimulator({
  hostname: values.host,
  publicHost: values["public-host"],
  ports: portsFrom(count("port", values.port)),
  material: await keptMaterial(`${folder}/material.json`, values["public-host"]),
  latencyMs: count("latency", values.latency),
  keep: count("keep", values.keep),
});
await writeSampleConfiguration(simulator, folder);
announce(simulator);

await stopSignal();
await simulator.close();

/** Loads the credentials of the last run, so that existing subscriptions stay valid. */
async function keptMaterial(path: string, publicHost: string): Promise<Material> {
  const hosts = [...new Set([publicHost, "localhost", "127.0.0.1", "::1"])];
  try {
    const kept: Material & { readonly hosts?: string } = JSON.parse(await Deno.readTextFile(path));
    const good = kept.version === 1 && kept.until > Date.now() + DAY_MS &&
      kept.hosts === hosts.join();
    if (good) return kept;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof SyntaxError)) throw error;
  }
  const made = await createMaterial({ now: Date.now(), hosts });
  await writePrivate(path, JSON.stringify({ ...made, hosts: hosts.join() }));
  return made;
}

function announce({ addresses, samples }: Simulator) {
  console.log(`Simulator: ${addresses.api}`);
  for (const [name, address] of Object.entries(addresses)) {
    if (name !== "api") console.log(`  ${name.padEnd(12)} ${address}`);
  }
  console.log(`  CA           ${folder}/ca.pem`);
  console.log(`  sample conf  ${folder}/conf`);
  console.log("Addresses to subscribe with:");
  console.log(`  apn          ${samples.apn}`);
  console.log(`  gcm          ${samples.gcm}`);
  console.log(`  wns          ${samples.wns}`);
  console.log(`  webpush      ${JSON.stringify(samples.webpush)}`);
}

function count(name: string, text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text);
  console.error(`--${name} must be a whole number: received '${text}'`);
  Deno.exit(2);
}
