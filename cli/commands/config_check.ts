/** `config check`: what a start would say of a configuration folder. */

import { placeOf } from "../../core/file_fault.ts";
import { readConfiguration } from "../../doctor/probes/configuration.ts";
import { configFolderOf } from "../config_folder.ts";
import type { Input } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { EXIT_CODES, type ExitCode } from "../exit_codes.ts";

/** Lists faults and warnings; fails where there are faults. */
export default async function run(input: Input, deps: CliDeps): Promise<ExitCode> {
  const folder = configFolderOf(input, deps);
  const { files, built, providers } = await readConfiguration(folder, deps.variables);
  const located = (fault: Parameters<typeof placeOf>[0] & { readonly message: string }) => ({
    place: placeOf(fault),
    message: fault.message,
  });
  const faults = [
    ...built.ok ? [] : built.faults,
    ...Object.values(providers).flatMap(({ faults }) => faults),
  ].map(located);
  const warnings = built.warnings.map(located);
  deps.output.result(
    { folder, files: files.size, faults, warnings },
    [
      ...faults.map(({ place, message }) => `error    ${place}: ${message}`),
      ...warnings.map(({ place, message }) => `warning  ${place}: ${message}`),
      `${folder}: ${files.size} files, ${faults.length} errors, ${warnings.length} warnings`,
    ].join("\n"),
  );
  return faults.length > 0 ? EXIT_CODES.failed.code : EXIT_CODES.ok.code;
}
