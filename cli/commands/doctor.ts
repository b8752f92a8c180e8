/** `doctor`: what is wrong with a set-up, and what to do about it. */

import { examine } from "../../doctor/examine.ts";
import { readEnvironment } from "../../service/environment.ts";
import { resolveAddresses } from "../../service/transport_registry.ts";
import { configFolderOf } from "../config_folder.ts";
import { type Input, isSet, textOption, textOptions } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import type { Exit } from "../exit_codes.ts";
import { serviceAddressOf } from "../service_api.ts";

/** Examines it; silent but for one line where it is sound. */
export default async function run(input: Input, deps: CliDeps): Promise<Exit> {
  const { output, variables, clock, random, fetch } = deps;
  const { port, store } = readEnvironment(variables);
  const findings = await examine({
    ...{ variables, clock, random, fetch, port },
    folder: configFolderOf(input, deps),
    storeAddress: store,
    address: serviceAddressOf(input, deps),
    key: variables.CARILLON_KEY || undefined,
    nodes: textOptions(input, "node").map((each) => each.replace(/\/+$/, "")),
    origin: textOption(input, "origin"),
    dryRun: isSet(input, "dry-run"),
    idle: isSet(input, "idle"),
    pid: textOption(input, "pid"),
    resolve: resolveAddresses,
    onStep: (what) => output.progress(what),
  });
  const text = findings.map(({ code, severity, what, do: todo }) =>
    `${severity.padEnd(7)}  ${code}\n  ${what}\n  → ${todo}`
  );
  output.result(findings, text.length === 0 ? "nothing is wrong" : text.join("\n\n"));
  if (findings.some(({ severity }) => severity === "error")) return "failed";
  return findings.length > 0 ? "warnings" : "ok";
}
