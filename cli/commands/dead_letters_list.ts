/** `dead-letters list`: what was given up. */

import { type Input, textOption } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { EXIT_CODES, type ExitCode } from "../exit_codes.ts";
import { table } from "../output.ts";
import { openApi, query } from "../service_api.ts";

/** Lists one page; says on standard error where there are more. */
export default async function run(input: Input, deps: CliDeps): Promise<ExitCode> {
  const api = await openApi(input, deps);
  const { items, next } = await api.call(
    "GET",
    `/v1/dead-letters${
      query({
        context: textOption(input, "context"),
        client: textOption(input, "client"),
        transport: textOption(input, "transport"),
        limit: textOption(input, "limit"),
      })
    }`,
  );
  const rows = items.map((letter: Record<string, unknown>) =>
    ["id", "at", "transport", "client", "context", "user", "topic", "reason"].map((field) =>
      String(letter[field] ?? "")
    )
  );
  deps.output.result(items, rows.length === 0 ? "no dead letters" : table(rows));
  if (next !== undefined) deps.output.say("There are more: raise --limit.");
  return EXIT_CODES.ok.code;
}
