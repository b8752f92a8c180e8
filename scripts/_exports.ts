/**
 * Reads what the sources of the project export and import, for `check_names.ts`. It relies on the
 * layout that `deno fmt` gives every file, so it parses lines and needs no compiler.
 */

import { imported, inProject } from "./_project.ts";

/** One exported definition. A re-export is not a definition. */
export interface Definition {
  readonly path: string;
  readonly line: number;
  readonly name: string;
  /** Absent where no docstring stands directly above the definition. */
  readonly docstring?: string;
}

/** The exports and imports of one source file. */
export interface Source {
  readonly path: string;
  readonly definitions: readonly Definition[];
  /** Names that the file takes from others; `*` stands for every name. */
  readonly imports: readonly Reference[];
  /** Names that the file passes on from others. */
  readonly reExports: readonly Reference[];
}

interface Reference {
  readonly from: string;
  readonly name: string;
  /** The name under which a re-export offers it. */
  readonly as: string;
}

const DEFINITION =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|const|let|interface|type|enum) ([\w$]+)/;
const STATEMENT = /^(import|export)\b(?: type)?\s*([^;"'()]*?)\s*from "(\.[^"]+)"/gm;
const DYNAMIC = /\b(?:import|URL)\(\s*"(\.[^"]+\.tsx?)"/g;

/** Reads one file. `path` is absolute or relative to the project's root. */
export function readSource(path: string, text: string): Source {
  const file = inProject(path);
  const imports: Reference[] = [];
  const reExports: Reference[] = [];
  for (const [, kind, names, specifier] of text.matchAll(STATEMENT)) {
    const from = imported(file, specifier!);
    const list = kind === "import" ? imports : reExports;
    for (const [name, as] of namesOf(names!)) list.push({ from, name, as });
  }
  for (const [, specifier] of text.matchAll(DYNAMIC)) {
    imports.push({ from: imported(file, specifier!), name: "*", as: "*" });
  }
  return { path: file, definitions: definitionsIn(file, text), imports, reExports };
}

function definitionsIn(path: string, text: string): readonly Definition[] {
  const lines = text.split("\n");
  const found = new Map<string, Definition>();
  for (const [index, line] of lines.entries()) {
    const name = DEFINITION.exec(line)?.[1];
    // Only the first of several overloads needs a docstring.
    if (name === undefined || found.has(name)) continue;
    const docstring = docstringAbove(lines, index);
    found.set(name, { path, line: index + 1, name, ...(docstring && { docstring }) });
  }
  return [...found.values()];
}

function docstringAbove(lines: readonly string[], index: number): string | undefined {
  let end = index - 1;
  while (lines[end]?.startsWith("// deno-lint-ignore")) end--;
  if (!lines[end]?.endsWith("*/")) return undefined;
  let start = end;
  while (start > 0 && !lines[start]!.startsWith("/**")) start--;
  return lines.slice(start, end + 1).join("\n");
}

/** The pairs `[exported name, local name]` in `{ a, type b, c as d }`, `* as e` or `*`. */
function namesOf(clause: string): readonly (readonly [string, string])[] {
  if (clause.startsWith("*")) return [["*", "*"]];
  const braces = /\{([^}]*)\}/.exec(clause)?.[1] ?? "";
  return braces.split(",").map((each) => each.trim().replace(/^type /, "")).filter(Boolean)
    .map((each) => {
      const [name, as = name] = each.split(" as ");
      return [name!, as!];
    });
}
