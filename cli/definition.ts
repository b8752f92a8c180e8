/**
 * What a command of the command line is: its words, arguments and options. The parser, the help, the
 * completions and `docs/cli.md` are all made from these definitions.
 */

import type { CliDeps } from "./deps.ts";
import type { Exit } from "./exit_codes.ts";

/** A word that follows the command. */
export interface ArgumentSpec {
  readonly name: string;
  readonly text: string;
  /** Absent: the command does without it. */
  readonly required?: true;
  /** What is meant where the argument is left out. */
  readonly fallback?: string;
  readonly choices?: readonly string[];
  /** What a shell offers for it. */
  readonly completes?: "file" | "folder";
}

/** An option such as `--limit <count>`. */
export interface OptionSpec {
  /** Without the two dashes. */
  readonly name: string;
  readonly text: string;
  /** Name of the option's value; absent: a switch. */
  readonly value?: string;
  /** May be given several times. */
  readonly many?: true;
  readonly fallback?: string;
  readonly choices?: readonly string[];
  readonly completes?: "file" | "folder";
}

/** What the user typed, by name. */
export interface Input {
  readonly args: Readonly<Record<string, string | undefined>>;
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
}

/** Runs a command and returns how the process exits; nothing stands for `ok`. */
type Run = (input: Input, deps: CliDeps) => void | Promise<Exit | void>;

/** A command, or a group of commands. */
export interface CommandSpec {
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** What the summary leaves out, in Markdown. */
  readonly details?: string;
  readonly args?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  /** Command lines without the program's name. */
  readonly examples?: readonly string[];
  readonly commands?: readonly CommandSpec[];
  /** Loads the code only when the command runs; absent for a group. */
  readonly load?: () => Promise<{ readonly default: Run }>;
}

/** An option's text; `undefined` where it was not given. */
export function textOption({ options }: Input, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}

/** Whether a switch was given. */
export function isSet({ options }: Input, name: string): boolean {
  return options[name] === true;
}

/** All texts of an option that may be repeated. */
export function textOptions({ options }: Input, name: string): readonly string[] {
  const value = options[name];
  return Array.isArray(value) ? value : [];
}
