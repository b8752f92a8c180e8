/** `explain`: why a user would get a notification, or would not. */

import { type Input, textOption } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { EXIT_CODES, type ExitCode } from "../exit_codes.ts";
import { openApi, query } from "../service_api.ts";

interface Explanation {
  readonly targets: readonly {
    readonly client: string;
    readonly transport: string;
    readonly send: boolean;
    readonly reason?: string;
    readonly quiet?: { readonly action: string; readonly until: string };
    readonly held?: { readonly reason: string; readonly until: string };
    readonly language?: { readonly chosen?: string };
    readonly trail: readonly {
      readonly key: string;
      readonly scope: string;
      readonly source?: string;
      readonly value?: string;
      readonly chosen: boolean;
    }[];
  }[];
  readonly warnings?: readonly string[];
}

/** Asks the service, and prints each target with the setting that decides. */
export default async function run(input: Input, deps: CliDeps): Promise<ExitCode> {
  const { context, user } = input.args;
  const topic = textOption(input, "topic");
  const api = await openApi(input, deps);
  const found: Explanation = await api.call(
    "GET",
    `/v1/explain${query({ context, user, topic })}`,
  );
  deps.output.result(found, textOf(found));
  return EXIT_CODES.ok.code;
}

function textOf({ targets, warnings = [] }: Explanation): string {
  const lines = targets.flatMap(({ client, transport, send, reason, trail, ...more }) => [
    `${send ? "yes" : "no "} ${transport} ${client}${reason === undefined ? "" : `: ${reason}`}`,
    ...attentionOf(more),
    ...trail.map(({ key, scope, source, value, chosen }) =>
      `    ${chosen ? "→" : " "} ${scope}: ${key} = ${value ?? "not set"}` +
      (source === undefined ? "" : ` (${source})`)
    ),
  ]);
  const nobody = "nobody: the user has no subscription and no open socket for this topic";
  return [...lines.length > 0 ? lines : [nobody], ...warnings.map((each) => `warning: ${each}`)]
    .join("\n");
}

/** When something will happen, and in which language. */
function attentionOf(
  { quiet, held, language }: Pick<Explanation["targets"][number], "quiet" | "held" | "language">,
): readonly string[] {
  return [
    ...held ? [`    waits until ${held.until}: ${held.reason}`] : [],
    ...quiet ? [`    quiet hours until ${quiet.until}: ${quiet.action}`] : [],
    ...language ? [`    language: ${language.chosen ?? "none"}`] : [],
  ];
}
