/** Completion scripts for bash, zsh and fish, made from the definitions. Pure. */

import type { CommandSpec, OptionSpec } from "./definition.ts";
import { COMMON_OPTIONS } from "./definitions.ts";
import { PROGRAM } from "./parser.ts";

/** A command with the words that lead to it. */
interface Path {
  readonly words: readonly string[];
  readonly spec: CommandSpec;
}

/** The script of one shell. */
export function completionsFor(
  shell: "bash" | "zsh" | "fish",
  commands: readonly CommandSpec[],
): string {
  const paths = commands.flatMap((spec) => pathsOf([spec.name], spec));
  if (shell === "fish") return fish(commands, paths);
  return bash(commands, paths, shell === "zsh");
}

function pathsOf(words: readonly string[], spec: CommandSpec): readonly Path[] {
  return [
    { words, spec },
    ...spec.commands?.flatMap((below) => pathsOf([...words, below.name], below)) ?? [],
  ];
}

/** zsh runs the bash script through its `bashcompinit`. */
function bash(commands: readonly CommandSpec[], paths: readonly Path[], forZsh: boolean): string {
  const cases = paths.map(({ words, spec }) =>
    `    ${quoted(words.join(" "))}) words=${quoted(offers(spec).join(" "))} ;;\n`
  ).join("");
  const values = paths.flatMap(({ words, spec }) =>
    optionsOf(spec).filter(({ choices }) => choices).map(({ name, choices }) =>
      `    ${quoted(`${words.join(" ")} --${name}`)}) words=${quoted(choices!.join(" "))} ;;\n`
    )
  ).join("");
  const head = forZsh ? "#compdef carillon\nautoload -U +X bashcompinit && bashcompinit\n" : "";
  return `${head}# Completions of ${PROGRAM}; made by '${PROGRAM} completions'.
_${PROGRAM}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local path="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path|$word" in
${knownPaths(paths)}    esac
  done
  case "$path" in
    "") words=${quoted(commands.map(({ name }) => name).join(" "))} ;;
${cases}  esac
  case "$path $previous" in
${values}    *) ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _${PROGRAM} ${PROGRAM}
`;
}

function knownPaths(paths: readonly Path[]): string {
  return paths.map(({ words }) => {
    const before = words.slice(0, -1).join(" ");
    return `      ${quoted(`${before}|${words.at(-1)}`)}) path=${quoted(words.join(" "))} ;;\n`;
  }).join("");
}

function fish(commands: readonly CommandSpec[], paths: readonly Path[]): string {
  const lines = [`# Completions of ${PROGRAM}; made by '${PROGRAM} completions'.`];
  for (const { name, summary } of commands) {
    lines.push(
      `complete -c ${PROGRAM} -n __fish_use_subcommand -f -a ${name} -d ${fishQuoted(summary)}`,
    );
  }
  for (const { words, spec } of paths) {
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
    for (const below of spec.commands ?? []) {
      const others = spec.commands!.map(({ name }) => name).join(" ");
      lines.push(
        `complete -c ${PROGRAM} -n '${seen}; and not __fish_seen_subcommand_from ${others}' -f ` +
          `-a ${below.name} -d ${fishQuoted(below.summary)}`,
      );
    }
    if (spec.commands) continue;
    for (const { name, text, value, choices } of optionsOf(spec)) {
      lines.push(
        `complete -c ${PROGRAM} -n '${seen}' -l ${name}${value === undefined ? "" : " -r"}` +
          `${choices ? ` -f -a ${fishQuoted(choices.join(" "))}` : ""} -d ${fishQuoted(text)}`,
      );
    }
    for (const { choices } of spec.args ?? []) {
      if (choices) {
        lines.push(`complete -c ${PROGRAM} -n '${seen}' -f -a ${fishQuoted(choices.join(" "))}`);
      }
    }
  }
  return lines.join("\n") + "\n";
}

/** What may follow a command. */
function offers(spec: CommandSpec): readonly string[] {
  if (spec.commands) return spec.commands.map(({ name }) => name);
  return [
    ...(spec.args ?? []).flatMap(({ choices }) => choices ?? []),
    ...optionsOf(spec).map(({ name }) => `--${name}`),
  ];
}

function optionsOf(spec: CommandSpec): readonly OptionSpec[] {
  return [...spec.options ?? [], ...COMMON_OPTIONS];
}

function quoted(text: string): string {
  return `"${text.replace(/["\\$`]/g, "\\$&")}"`;
}

function fishQuoted(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}
