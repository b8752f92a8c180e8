/** Reads a configuration folder as a start does, and checks what a start checks. */

import {
  buildConfiguration,
  type BuiltConfiguration,
  isConfigurationFile,
} from "../../cascade/configuration.ts";
import { createDenoConfigFiles, OPTIONS_FILES, parseClientOptions } from "../../cascade/mod.ts";
import type { FileFault } from "../../core/file_fault.ts";
import type { TransportName } from "../../core/subscription.ts";
import { apnOptionsSchema } from "../../transports/apn/mod.ts";
import { gcmOptionsSchema } from "../../transports/gcm/mod.ts";
import { webPushOptionsSchema } from "../../transports/webpush/mod.ts";
import { wnsOptionsSchema } from "../../transports/wns/mod.ts";

/** A transport that has a file of options. */
export type ProviderName = keyof typeof SCHEMAS;

/** Clients of one transport, by the options file. */
interface ProviderOptions {
  readonly clients: ReadonlyMap<string, unknown>;
  readonly faults: readonly FileFault[];
}

/** What a folder and the environment say. */
export interface ReadConfiguration {
  readonly files: ReadonlyMap<string, string>;
  readonly built: BuiltConfiguration;
  readonly providers: Readonly<Record<ProviderName, ProviderOptions>>;
}

const SCHEMAS = {
  apn: apnOptionsSchema,
  gcm: gcmOptionsSchema,
  wns: wnsOptionsSchema,
  webpush: webPushOptionsSchema,
} as const;

/** Reads and checks everything; a folder that is missing counts as empty. */
export async function readConfiguration(
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<ReadConfiguration> {
  const source = createDenoConfigFiles(folder);
  const paths = (await source.list()).filter(isConfigurationFile);
  const texts = await Promise.all(
    paths.map(async (path) => [path, await source.read(path)] as const),
  );
  return configurationOf(new Map(texts), environment);
}

/** The same for files that are in memory, e.g. before one of them is written. */
export function configurationOf(
  files: ReadonlyMap<string, string>,
  environment: Readonly<Record<string, string>>,
): ReadConfiguration {
  const providers = PROVIDER_NAMES.map((name) => [name, OPTIONS_FILES[name]] as const).map((
    [name, file],
  ) => [
    name,
    parseClientOptions({ file, text: files.get(file) ?? "" }, SCHEMAS[name] as never),
  ]);
  return {
    files,
    built: buildConfiguration({ files, environment }),
    providers: Object.fromEntries(providers) as ReadConfiguration["providers"],
  };
}

/** Names of transports that have a file of options. */
export const PROVIDER_NAMES = Object.keys(SCHEMAS) as readonly (ProviderName & TransportName)[];
