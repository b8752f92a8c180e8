/** `config diff`: what differs from the defaults, or between two folders. */

import { configFolderOf, keysSetIn, type SetKey } from "../config_folder.ts";
import type { Input } from "../definition.ts";
import type { CliDeps } from "../deps.ts";

/** Compares; a difference is no failure. */
export default async function run(input: Input, deps: CliDeps): Promise<void> {
  const { other } = input.args;
  // Variables of the environment overrule both folders alike.
  const mine = await keysSetIn(
    configFolderOf(input, deps),
    other === undefined ? deps : { variables: {} },
  );
  const changes = other === undefined
    ? mine.filter((each) => each.value !== each.default)
      .map(({ key, value, default: usual }) => ({ key, from: usual, to: value }))
    : between(await keysSetIn(other, { variables: {} }), mine);
  const lines = changes.map(({ key, from, to }) => `${key}: ${from || '""'} → ${to || '""'}`);
  deps.output.result(changes, lines.length === 0 ? "no difference" : lines.join("\n"));
}

function between(before: readonly SetKey[], after: readonly SetKey[]) {
  const all = new Map([...before, ...after].map((each) => [each.key, each.default]));
  return [...all].sort().map(([key, usual]) => ({
    key,
    from: before.find((each) => each.key === key)?.value ?? usual,
    to: after.find((each) => each.key === key)?.value ?? usual,
  })).filter(({ from, to }) => from !== to);
}
