/** `config set`: one key in a properties file, or one attribute at the service. */

import type { KeySpec } from "../../cascade/key_spec.ts";
import { readSetting } from "../../cascade/schema.ts";
import { configurationOf, readConfiguration } from "../../doctor/probes/configuration.ts";
import { attributesPath, configFolderOf, faulty } from "../config_folder.ts";
import { type Input, isSet, textOption } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { CliError } from "../exit_codes.ts";
import { setProperty } from "../set_property.ts";
import { openApi } from "../service_api.ts";

/** The file for keys that no file sets yet. */
const OWN_FILE = "carillon.properties";

/** Checks the value, writes it, and has the service read it where that was asked for. */
export default async function run(input: Input, deps: CliDeps): Promise<void> {
  const { output } = deps;
  const key = input.args.key!;
  const value = await valueOf(key, input, deps);
  const read = readSetting(key, value);
  if (read.kind === "unknown") {
    const hint = read.nearest === undefined ? "" : `; did you mean '${read.nearest}'?`;
    throw new CliError("usage", `There is no key '${key}'${hint}`);
  }
  if (read.kind === "wrong") throw new CliError("usage", read.why);
  const path = attributesPath(input);
  if (path !== undefined) {
    const body = { attributes: { [key]: read.value } };
    await (await openApi(input, deps)).call("PATCH", path, { body });
    output.result({ key, at: path }, `set ${key} at ${path}`);
    return;
  }
  if (textOption(input, "user") !== undefined) throw new CliError("usage", "Give --context, too");
  const file = await writeProperty(read.name, value, { folder: configFolderOf(input, deps), deps });
  if (read.spec.applies === "after a restart") {
    output.say(`${key} takes effect after a restart of the service`);
  }
  if (isSet(input, "reload")) {
    const done = await (await openApi(input, deps)).call("POST", "/v1/admin/reload");
    output.say(`reloaded; changed: ${done.changedKeys.join(", ") || "nothing"}`);
  }
  output.result({ key, file }, `set ${key} in ${file}`);
}

/** Secret values must not stay in the shell's history. */
async function valueOf(key: string, input: Input, { readSecret }: CliDeps): Promise<string> {
  const { value } = input.args;
  const probe = readSetting(key, "");
  const isSecret = probe.kind === "setting" && (probe.spec as KeySpec).secret;
  if (isSecret) {
    if (value !== undefined) {
      throw new CliError(
        "usage",
        `The value of ${key} is secret: leave it out, and type it or pipe it in`,
      );
    }
    return await readSecret(`${key}: `) ?? "";
  }
  if (value === undefined) throw new CliError("usage", "Give a value");
  return value;
}

async function writeProperty(name: string, value: string, { folder, deps }: {
  readonly folder: string;
  readonly deps: CliDeps;
}): Promise<string> {
  const { texts, built } = await readConfiguration(folder, deps.variables);
  const source = built.ok ? built.configuration.server.get(name)?.source : undefined;
  if (source?.startsWith("environment")) {
    throw new CliError("failed", `The ${source} overrules all files: change it there`);
  }
  // The last file that has the key is the one that counts.
  const before = [...texts].filter(([file]) => file.endsWith(".properties")).sort().reverse();
  const holder = before.find(([, text]) => setProperty(text, { name, value }).replaced);
  const file = holder?.[0] ?? OWN_FILE;
  const { text } = setProperty(texts.get(file) ?? "", { name, value });
  const after = configurationOf(new Map([...texts, [file, text]]), deps.variables);
  if (!after.built.ok) throw faulty(after.built);
  await replaceFile(`${folder}/${file}`, text);
  return file;
}

/** In one step, so that a service that reads meanwhile sees the file before or after. */
async function replaceFile(path: string, text: string): Promise<void> {
  const partial = `${path}.partial`;
  const mode = await Deno.stat(path).then((info) => info.mode, () => null);
  try {
    await Deno.writeTextFile(partial, text, { createNew: true, mode: (mode ?? 0o640) & 0o777 });
    await Deno.rename(partial, path);
  } catch (cause) {
    await Deno.remove(partial).catch(() => {});
    throw new CliError("failed", `Cannot write ${path}: ${(cause as Error).message}`);
  }
}
