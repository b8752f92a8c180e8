/** `keys list`: the API keys, whose secrets nobody can read any more. */

import type { Input } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { table } from "../output.ts";
import { openApi } from "../service_api.ts";

/** Lists them. */
export default async function run(input: Input, deps: CliDeps): Promise<void> {
  const { items } = await (await openApi(input, deps)).call("GET", "/v1/keys");
  const rows = items.map((
    { id, name, scopes, contexts, expires }: Record<string, string & string[]>,
  ) => [
    id!,
    name!,
    scopes!.join(","),
    contexts?.join(",") ?? "all contexts",
    expires ?? "never ends",
  ]);
  deps.output.result(items, rows.length === 0 ? "no keys" : table(rows));
}
