/** `dead-letters replay`: sends what was given up again. */

import { type Input, isSet, textOption } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { CliError } from "../exit_codes.ts";
import { openApi } from "../service_api.ts";

/** Replays one, or all that match, a thousand with each request. */
export default async function run(input: Input, deps: CliDeps): Promise<void> {
  const { output } = deps;
  const { id } = input.args;
  const filter = Object.fromEntries(
    ["context", "client", "transport"].map((name) => [name, textOption(input, name)] as const)
      .filter(([, value]) => value !== undefined),
  );
  const narrows = Object.keys(filter).length > 0;
  if (id !== undefined && (narrows || isSet(input, "all"))) {
    throw new CliError("usage", "Give an id, or what to filter by, not both");
  }
  if (id === undefined && !narrows && !isSet(input, "all")) {
    throw new CliError("usage", "Give an id, --context, --client, --transport, or --all");
  }
  const api = await openApi(input, deps);
  if (id !== undefined) {
    const done = await api.call("POST", `/v1/dead-letters/${encodeURIComponent(id)}/replay`);
    output.result(done, `replayed ${done.replayed}`);
    return;
  }
  let replayed = 0;
  for (;;) {
    deps.signal.throwIfAborted();
    const done = await api.call("POST", "/v1/dead-letters/replay", { body: filter });
    replayed += done.replayed;
    output.progress(`replayed ${replayed} …`);
    // Letters that cannot be replayed stay, and would be found for ever.
    if (!done.more || done.replayed === 0) break;
  }
  output.result({ replayed }, `replayed ${replayed}`);
}
