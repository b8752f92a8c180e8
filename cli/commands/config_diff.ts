/** `config diff`: what differs from the defaults, or between two folders. */

import { configFolderOf, keysSetIn, type SetKey } from "../config_folder.ts";
import type { Input } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { EXIT_CODES, type ExitCode } from "../exit_codes.ts";

/** Compares; a difference is no failure. */
export default async function run(input: Input, deps: CliDeps): Promise<ExitCode> {
  const mine = await keysSetIn(configFolderOf(input, deps), deps);
  const { other } = input.args;
  const changes = other === undefined
    ? mine.filter((each) => each.value !== each.default)
      .map(({ key, value, default: usual }) => ({ key, from: usual, to: value }))
    // Variables of the environment overrule both folders alike.
    : between(
      await keysSetIn(other, { variables: {} }),
      await keysSetIn(configFolderOf(input, deps), {
        variables: {},
      }),
    );
  const lines = changes.map(({ key, from, to }) => `${key}: ${from || '""'} → ${to || '""'}`);
  deps.output.result(changes, lines.length === 0 ? "no difference" : lines.join("\n"));
  return EXIT_CODES.ok.code;
}

function between(before: readonly SetKey[], after: readonly SetKey[]) {
  const all = new Map([...before, ...after].map((each) => [each.key, each.default]));
  return [...all].sort().map(([key, usual]) => ({
    key,
    from: before.find((each) => each.key === key)?.value ?? usual,
    to: after.find((each) => each.key === key)?.value ?? usual,
  })).filter(({ from, to }) => from !== to);
}
