/** `dead-letters list`: what was given up. */

import { type Input, textOption } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { rowsOf, table } from "../output.ts";
import { openApi, query } from "../service_api.ts";

/** Lists one page; says on standard error where there are more. */
export default async function run(input: Input, deps: CliDeps): Promise<void> {
  const api = await openApi(input, deps);
  const wanted = ["context", "client", "transport", "limit"]
    .map((name) => [name, textOption(input, name)] as const);
  const path = `/v1/dead-letters${query(Object.fromEntries(wanted))}`;
  const { items, next } = await api.call("GET", path);
  const rows = rowsOf(
    items,
    ["id", "at", "transport", "client", "context", "user", "topic", "reason"],
  );
  deps.output.result(items, rows.length === 0 ? "no dead letters" : table(rows));
  if (next !== undefined) deps.output.say("There are more: raise --limit.");
}
