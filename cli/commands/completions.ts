/** `completions`: the completion script of a shell. */

import { completionsFor } from "../completions.ts";
import type { Input } from "../definition.ts";
import { COMMANDS } from "../definitions.ts";
import type { CliDeps } from "../deps.ts";

/** Prints it. */
export default function run(input: Input, { output }: CliDeps): void {
  const shell = input.args.shell as "bash" | "zsh" | "fish";
  const script = completionsFor(shell, COMMANDS);
  output.result({ shell, script }, script.trimEnd());
}
