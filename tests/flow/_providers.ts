/** A running service whose providers are the simulator, for tests that let the latter misbehave. */

import type { Clock } from "../../core/clock.ts";
import {
  createMaterial,
  type Material,
  type Simulator,
  startSimulator,
} from "../../simulator/mod.ts";
import { SAMPLE_CLIENTS, sampleConfiguration } from "../../simulator/sample_configuration.ts";
import { startTestService, type TestService } from "../support/start_service.ts";

/** Clients of the sample configuration. */
export const CLIENTS = SAMPLE_CLIENTS;

/** Values of `io.carillon.http.engine`. */
export const ENGINES = ["http2", "fetch"] as const;

/** Waits are drawn from a few milliseconds, so that only what providers ask for takes time. */
export const QUICK = {
  "io.carillon.delivery.retryBase": 5,
  "io.carillon.delivery.retryMax": 50,
} as const;

/** How both are started. */
export interface ProvidersOptions {
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
  /** Files over those of the sample configuration. */
  readonly files?: (folder: string) => Readonly<Record<string, string>>;
  /** For service and simulator alike. */
  readonly clock?: Clock;
  /** Of the service. @default {"memory:"} */
  readonly store?: string;
}

/** Both, and the folder with the credentials. */
export interface Providers extends AsyncDisposable {
  readonly simulator: Simulator;
  readonly service: TestService;
  readonly folder: string;
}

let made: Promise<Material> | undefined;

/** The credentials of every test of a file; making them takes half a second. */
export function sharedMaterial(): Promise<Material> {
  return made ??= createMaterial({ now: Date.now(), hosts: ["localhost", "127.0.0.1"] });
}

/** Writes credentials to the folder, and gives the text of the configuration files by name. */
export async function writeSample(
  simulator: Simulator,
  folder: string,
): Promise<Readonly<Record<string, string>>> {
  const { addresses, material } = simulator;
  const files: Record<string, string> = {};
  for (const { path, content } of sampleConfiguration({ addresses, material, folder })) {
    if (path.startsWith("conf/")) files[path.slice("conf/".length)] = String(content);
    else if (typeof content === "string") await Deno.writeTextFile(`${folder}/${path}`, content);
    else await Deno.writeFile(`${folder}/${path}`, content);
  }
  return files;
}

/** Starts both. */
export async function startProviders(
  { properties = {}, files = () => ({}), clock, store = "memory:" }: ProvidersOptions = {},
): Promise<Providers> {
  await using opened = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "carillon_providers_" });
  opened.defer(() => Deno.remove(folder, { recursive: true }));
  const simulator = opened.use(
    await startSimulator({ material: await sharedMaterial(), ...clock && { clock } }),
  );
  const sample = await writeSample(simulator, folder);
  const service = opened.use(
    await startTestService({
      properties: { ...QUICK, ...properties },
      files: { ...sample, ...files(folder) },
      ...clock && { clock },
      store,
    }),
  );
  const life = opened.move();
  return { simulator, service, folder, [Symbol.asyncDispose]: () => life.disposeAsync() };
}

/** An iPhone's token; each number is another one. */
export function iPhone(number: number): string {
  return number.toString(16).padStart(64, "a");
}

/** Fields of a mail that is like no other one. */
export function mail(number: number, fields: Readonly<Record<string, unknown>> = {}) {
  return { data: { folder: "default0/INBOX", id: String(number), subject: "Hello" }, ...fields };
}
