/** The configuration folder, or the attributes at a service, that a command is about. */

import { type KeySpec, valueText } from "../cascade/key_spec.ts";
import { type Key, KEYS } from "../cascade/schema.ts";
import { defaultValue } from "../cascade/settings.ts";
import { type ReadConfiguration, readConfiguration } from "../doctor/probes/configuration.ts";
import { VARIABLES } from "../service/environment.ts";
import { type Input, textOption } from "./definition.ts";
import type { CliDeps } from "./deps.ts";
import { CliError } from "./exit_codes.ts";

/** The folder that `--conf` or the environment names. */
export function configFolderOf(input: Input, { variables }: Pick<CliDeps, "variables">): string {
  return textOption(input, "conf") || variables.CARILLON_CONFIG_DIR ||
    VARIABLES.CARILLON_CONFIG_DIR;
}

/**
 * The path of the attributes of a context or of one of its users, below the service's address;
 * `undefined` where no context is named.
 */
export function attributesPath(input: Input): string | undefined {
  const context = textOption(input, "context");
  const user = textOption(input, "user");
  if (context === undefined) return undefined;
  const ofContext = `/v1/contexts/${encodeURIComponent(context)}`;
  return user === undefined
    ? `${ofContext}/config`
    : `${ofContext}/users/${encodeURIComponent(user)}/config`;
}

/** One key that is set, with its value as text and where it comes from. */
export interface SetKey {
  readonly key: string;
  /** Secrets are shown as `[secret]`. */
  readonly value: string;
  readonly default: string;
  readonly source: string;
}

/**
 * Reads a folder whose configuration must be one that a service starts with.
 *
 * @throws {CliError} naming every fault
 */
export async function readGood(folder: string, { variables }: Pick<CliDeps, "variables">) {
  const { built } = await readConfiguration(folder, variables);
  if (!built.ok) throw faulty(built);
  return built.configuration;
}

/** Every key that files or the environment set, in alphabetical order. */
export async function keysSetIn(
  folder: string,
  deps: Pick<CliDeps, "variables">,
): Promise<readonly SetKey[]> {
  const { server } = await readGood(folder, deps);
  return [...server.values()].map(({ name, key, value, source }) => ({
    key: name,
    value: shown(key, valueText(value)),
    default: shown(key, valueText(defaultValue(server, key))),
    source,
  })).sort((a, b) => a.key < b.key ? -1 : 1);
}

/** What is wrong, as one error. */
export function faulty(built: Extract<ReadConfiguration["built"], { ok: false }>): CliError {
  const lines = built.faults.map(({ file, line, column, message }) =>
    `\n  ${file}:${line}:${column}: ${message}`
  );
  return new CliError("failed", `The configuration is faulty:${lines.join("")}`);
}

/** A value as it may be shown. */
export function shown(key: Key, text: string): string {
  return (KEYS[key] as KeySpec).secret && text !== "" ? "[secret]" : text;
}
