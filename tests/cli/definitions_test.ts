/** Help, completions and documentation are made from one list of commands. */

import assert from "node:assert/strict";
import { completionsFor } from "../../cli/completions.ts";
import type { CommandSpec } from "../../cli/definition.ts";
import { COMMANDS, COMMON_OPTIONS } from "../../cli/definitions.ts";
import { parse } from "../../cli/parser.ts";
import { referencePage } from "../../cli/reference.ts";
import { isInstalled, runProgram } from "../support/programs.ts";

/** Every command that can be run, with the words that lead to it. */
function leaves(
  commands: readonly CommandSpec[],
  before: readonly string[] = [],
): readonly {
  readonly words: readonly string[];
  readonly spec: CommandSpec;
}[] {
  return commands.flatMap((spec) => {
    const words = [...before, spec.name];
    return spec.commands ? leaves(spec.commands, words) : [{ words, spec }];
  });
}

const ALL = leaves(COMMANDS);

/** Words of a command line, as a shell would part them. */
function wordsOf(line: string): readonly string[] {
  return [...line.replace(/ > \S+$/, "").matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)]
    .map(([, double, single, bare]) => double ?? single ?? bare!);
}

Deno.test("the issue's commands are all there", () => {
  const names = ALL.map(({ words }) => words.join(" "));
  const wanted = [
    "publish",
    "listen",
    "subscribe",
    "explain",
    "show",
    "dead-letters list",
  ];
  const more = [
    "dead-letters replay",
    "keys list",
    "keys create",
    "keys revoke",
    "config get",
  ];
  const rest = [
    "config set",
    "config check",
    "config diff",
    "backup",
    "restore",
    "doctor",
    "top",
  ];
  for (const name of [...wanted, ...more, ...rest]) {
    assert.ok(names.includes(name), name);
  }
});

for (const { words, spec } of ALL) {
  Deno.test(`every example of '${words.join(" ")}' is one that the parser takes`, () => {
    assert.ok((spec.examples ?? []).length > 0);
    for (const example of spec.examples!) {
      const parsed = parse(COMMANDS, wordsOf(example));
      assert.equal(parsed.kind, "run", `${example}: ${JSON.stringify(parsed)}`);
      assert.equal(parsed.kind === "run" && parsed.command, spec);
    }
  });

  Deno.test(`the help of '${words.join(" ")}' names its arguments and options`, () => {
    const parsed = parse(COMMANDS, [...words, "--help"]);
    assert.ok(parsed.kind === "text" && !parsed.isError);
    for (const { name } of [...spec.options ?? [], ...COMMON_OPTIONS]) {
      assert.ok(parsed.text.includes(`--${name}`), name);
    }
    for (const { name } of spec.args ?? []) {
      assert.ok(parsed.text.includes(name), name);
    }
  });

  Deno.test(`'${words.join(" ")}' takes no secret as an argument`, () => {
    const secret = /(?:^|-)(?:secret|password|token|api-key|address)$/;
    for (const { name } of [...spec.options ?? [], ...spec.args ?? []]) {
      assert.ok(!secret.test(name), name);
    }
  });

  Deno.test(`'${words.join(" ")}' has code, documentation and completions`, async () => {
    assert.equal(typeof (await spec.load!()).default, "function");
    assert.match(referencePage(), new RegExp(`^##+ ${words.join(" ")}$`, "m"));
    for (const shell of ["bash", "zsh", "fish"] as const) {
      assert.ok(completionsFor(shell, COMMANDS).includes(words.at(-1)!));
    }
  });
}

Deno.test("a group without a command, a wrong option and a wrong choice are told", () => {
  for (
    const words of [["config"], ["publish", "--colour"], [
      "publish",
      "--priority",
      "urgent",
    ]]
  ) {
    const parsed = parse(COMMANDS, words);
    assert.ok(parsed.kind === "text" && parsed.isError, words.join(" "));
  }
  const near = parse(COMMANDS, ["pubilsh"]);
  assert.ok(near.kind === "text" && near.text.includes("publish"));
});

Deno.test("bash offers commands, commands of a group, options and their values", async () => {
  const script = `${completionsFor("bash", COMMANDS)}
offer() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _carillon; echo "\${COMPREPLY[*]}"; }
offer carillon do
offer carillon config ""
offer carillon dead-letters list --trans
offer carillon dead-letters list --transport w
offer carillon keys list config --js`;
  const { stdout, stderr } = await runProgram(["bash", "-c", script]);
  assert.equal(stderr, "");
  assert.deepEqual(stdout.trim().split("\n"), [
    "doctor",
    "get set check diff",
    "--transport",
    "websocket wns webpush webhook",
    "--json",
  ]);
});

for (const shell of ["zsh", "fish"] as const) {
  Deno.test({
    name: `${shell} takes its completions`,
    ignore: !isInstalled(shell),
    async fn() {
      const { code, stderr } = await runProgram([shell, "-n"], {
        input: completionsFor(shell, COMMANDS),
      });
      assert.equal(code, 0, stderr);
    },
  });
}
