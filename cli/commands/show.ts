/** `show`: the ledger's record of one notification. */

import type { Input } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { rowsOf, table } from "../output.ts";
import { openApi } from "../service_api.ts";

/** Asks for the record. */
export default async function run(input: Input, deps: CliDeps): Promise<void> {
  const api = await openApi(input, deps);
  const record = await api.call("GET", `/v1/notifications/${encodeURIComponent(input.args.id!)}`);
  const { id, context, user, topic, acceptedAt, state, reason, targets } = record;
  const head =
    `${id}\n${topic} to user ${user} of context ${context}, accepted at ${acceptedAt}\n` +
    `${state}${reason === undefined ? "" : `: ${reason}`}`;
  const rows = rowsOf(targets, ["transport", "client", "state", "attempts", "reason", "at"]);
  deps.output.result(record, rows.length === 0 ? head : `${head}\n${table(rows)}`);
}
