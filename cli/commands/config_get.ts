/** `config get`: a key's value and where it comes from. */

import { valueText } from "../../cascade/key_spec.ts";
import { findName, nearestName } from "../../cascade/schema.ts";
import { defaultValue } from "../../cascade/settings.ts";
import { attributesPath, configFolderOf, keysSetIn, readGood, shown } from "../config_folder.ts";
import { type Input, textOption } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { CliError } from "../exit_codes.ts";
import { table } from "../output.ts";
import { safeJson } from "../safe_text.ts";
import { openApi } from "../service_api.ts";

/** Reads files and environment, or asks the service for attributes. */
export default async function run(input: Input, deps: CliDeps): Promise<void> {
  const { output } = deps;
  const { key } = input.args;
  const path = attributesPath(input);
  if (path !== undefined) {
    const { attributes, ...rest } = await (await openApi(input, deps)).call("GET", path);
    if (key === undefined) output.result({ attributes, ...rest }, safeJson(attributes, 2));
    else if (attributes[key] === undefined) {
      throw new CliError("notFound", `${key} is not set there`);
    } else output.result({ key, value: attributes[key] }, String(attributes[key]));
    return;
  }
  if (textOption(input, "user") !== undefined) throw new CliError("usage", "Give --context, too");
  const folder = configFolderOf(input, deps);
  if (key === undefined) {
    const all = await keysSetIn(folder, deps);
    output.result(all, table(all.map(({ key, value, source }) => [key, value, source])));
    return;
  }
  const known = findName(key);
  if (!known) {
    const near = nearestName(key);
    throw new CliError(
      "notFound",
      `There is no key '${key}'${near === undefined ? "" : `; did you mean '${near}'?`}`,
    );
  }
  const { server } = await readGood(folder, deps);
  const found = server.get(known.name);
  const value = shown(known.key, valueText(found?.value ?? defaultValue(server, known.key)));
  const source = found?.source ?? "default";
  output.result({ key: known.name, value, source }, `${value}\t(${source})`);
}
