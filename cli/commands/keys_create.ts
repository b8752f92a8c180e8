/** `keys create`: makes an API key. The secret goes to standard output and is shown this once. */

import { type Input, textOption, textOptions } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { CliError } from "../exit_codes.ts";
import { openApi } from "../service_api.ts";

/** Makes it. */
export default async function run(input: Input, deps: CliDeps): Promise<void> {
  const scopes = textOptions(input, "scope");
  if (scopes.length === 0) throw new CliError("usage", "Give at least one --scope");
  const contexts = textOptions(input, "context");
  const expires = textOption(input, "expires");
  const api = await openApi(input, deps);
  const body = {
    ...{ name: input.args.name, scopes },
    ...contexts.length > 0 && { contexts },
    ...expires !== undefined && { expires },
  };
  const key = await api.call("POST", "/v1/keys", { body });
  deps.output.say(`made key ${key.id}; its secret is not shown again`);
  deps.output.result(key, key.secret);
}
