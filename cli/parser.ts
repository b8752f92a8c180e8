/** Turns the definitions into a parser of the library Commander, which also writes the help. */

import { Argument, Command, CommanderError, Option } from "commander";
import type { CommandSpec, Input, OptionSpec } from "./definition.ts";
import { COMMON_OPTIONS } from "./definitions.ts";

/** Name of the program in the help; a script that calls the task may have the same name. */
export const PROGRAM = "carillon";

/** What parsing a command line came to. */
type Parsed =
  | { readonly kind: "run"; readonly command: CommandSpec; readonly input: Input }
  /** The help, or what is wrong with the command line. */
  | { readonly kind: "text"; readonly text: string; readonly isError: boolean };

/** Parses the words after the program's name. */
export function parse(commands: readonly CommandSpec[], words: readonly string[]): Parsed {
  let found: { readonly command: CommandSpec; readonly input: Input } | undefined;
  let text = "";
  const write = (more: string) => void (text += more);
  const program = new Command(PROGRAM).description("Operate a Carillon push notification service");
  function prepare(command: Command): void {
    command.exitOverride().configureOutput({
      writeOut: write,
      writeErr: write,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
    });
    command.helpOption("-h, --help", "Show this help").showSuggestionAfterError(true);
  }
  function add(parent: Command, spec: CommandSpec): void {
    const command = parent.command(spec.name);
    prepare(command);
    command.summary(spec.summary);
    command.description(
      plain(spec.details ? `${spec.summary}. ${spec.details}` : `${spec.summary}.`),
    );
    for (const { name, text, required, fallback, choices } of spec.args ?? []) {
      const argument = new Argument(required ? `<${name}>` : `[${name}]`, text);
      if (fallback !== undefined) argument.default(fallback);
      if (choices !== undefined) argument.choices([...choices]);
      command.addArgument(argument);
    }
    if (spec.commands) {
      command.helpCommand(false);
      for (const below of spec.commands) add(command, below);
      return;
    }
    for (const option of [...spec.options ?? [], ...COMMON_OPTIONS]) {
      command.addOption(made(option));
    }
    const examples = spec.examples?.map((example) => `  ${PROGRAM} ${example}\n`).join("");
    if (examples) command.addHelpText("after", `\nExamples:\n${examples}`.trimEnd());
    command.action((...given) => {
      const values = given.slice(0, -2) as readonly (string | undefined)[];
      const options = given.at(-2) as Record<string, unknown>;
      found = { command: spec, input: inputOf(spec, { values, options }) };
    });
  }
  prepare(program);
  program.helpCommand("help [command]", "Show the help of a command");
  for (const spec of commands) add(program, spec);
  try {
    program.parse([...words], { from: "user" });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    const isHelp = thrown.exitCode === 0 || thrown.code === "commander.help" && words.length === 0;
    return { kind: "text", text, isError: !isHelp };
  }
  return found ? { kind: "run", ...found } : { kind: "text", text, isError: true };
}

function made({ name, value, text, many, fallback, choices }: OptionSpec): Option {
  const option = new Option(value === undefined ? `--${name}` : `--${name} <${value}>`, text);
  if (fallback !== undefined) option.default(fallback);
  if (choices !== undefined) option.choices([...choices]);
  if (many) {
    // Commander's own lists would swallow the arguments that follow.
    option.argParser((each: string, all: readonly string[] | undefined) => {
      if (choices !== undefined && !choices.includes(each)) {
        throw new CommanderError(
          1,
          "commander.invalidArgument",
          `--${name}: ${choices.join(", ")}`,
        );
      }
      return [...all ?? [], each];
    });
  }
  return option;
}

function inputOf(
  spec: CommandSpec,
  { values, options }: {
    readonly values: readonly (string | undefined)[];
    readonly options: Readonly<Record<string, unknown>>;
  },
): Input {
  const names = [...spec.options ?? [], ...COMMON_OPTIONS].map(({ name }) => name);
  return {
    args: Object.fromEntries((spec.args ?? []).map(({ name }, at) => [name, values[at]])),
    options: Object.fromEntries(names.map((name) => {
      // Commander takes `--no-wait` for the switch `wait`, which is on unless it is given.
      const value = name.startsWith("no-")
        ? options[camel(name.slice(3))] === false
        : options[camel(name)];
      return [name, value as Input["options"][string]];
    })),
  };
}

function camel(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function plain(markdown: string): string {
  return markdown.replaceAll("`", "");
}
