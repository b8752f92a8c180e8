/** `explain`: why a user would get a notification, or would not. */

import { type Input, textOption } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
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
  /** What is no target, and why. */
  readonly absent: readonly {
    readonly client?: string;
    readonly transport?: string;
    readonly reason: string;
  }[];
  readonly warnings?: readonly string[];
}

/** Asks the service, and prints each target with the setting that decides, and what is none. */
export default async function run(input: Input, deps: CliDeps): Promise<void> {
  const { context, user } = input.args;
  const topic = textOption(input, "topic");
  const api = await openApi(input, deps);
  const found: Explanation = await api.call(
    "GET",
    `/v1/explain${query({ context, user, topic })}`,
  );
  deps.output.result(found, textOf(found));
}

function textOf({ targets, absent, warnings = [] }: Explanation): string {
  const given = targets.flatMap(({ client, transport, send, reason, trail, ...more }) => [
    `${send ? "yes" : "no "} ${transport} ${client}${reason === undefined ? "" : `: ${reason}`}`,
    ...attentionOf(more),
    ...trail.map(({ key, scope, source, value, chosen }) =>
      `    ${chosen ? "→" : " "} ${scope}: ${key} = ${value ?? "not set"}` +
      (source === undefined ? "" : ` (${source})`)
    ),
  ]);
  const others = absent.map(({ transport, client, reason }) =>
    ["no ", transport, client].filter((word) => word !== undefined).join(" ") + `: ${reason}`
  );
  return [...given, ...others, ...warnings.map((each) => `warning: ${each}`)].join("\n");
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
