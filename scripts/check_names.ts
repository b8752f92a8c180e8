// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * Checks the exported names: each is unique in the product, is used by another file, and has a
 * docstring of its own. This is a program because a lint rule sees one file at a time. Run by
 * `deno task names`.
 */

import { type Definition, readSource, type Source } from "./_exports.ts";
import { folderOf, ROOT, sources } from "./_project.ts";

/** Folders whose names are not checked, because the product does not import them; their imports count. */
const OUTSIDE = new Set(["clients", "tests", "bench", "chaos"]);

const POINTS_ELSEWHERE = /see the file's comment/i;

/** Returns one line for each fault, sorted by file. */
export function findFaults(files: readonly Source[]): readonly string[] {
  const product = files.filter(({ path }) => !OUTSIDE.has(folderOf(path)));
  const definitions = product.flatMap(({ definitions }) => definitions);
  const used = usedNames(files);
  const unusedReExports = product.flatMap(({ path, reExports }) =>
    reExports.filter(({ as }) => as !== "*" && !used.has(`${path} ${as}`))
      .map(({ as }) =>
        `${path} '${as}' is exported again, and no file imports it from here: remove it`
      )
  );
  return [
    ...repeatedNames(definitions),
    ...unusedReExports,
    ...definitions.filter(({ path, name }) => !used.has(`${path} ${name}`))
      .map((each) => fault(each, "is exported, and no other file uses it: do not export it")),
    ...definitions.filter(({ docstring }) => docstring === undefined)
      .map((each) => fault(each, "has no docstring")),
    ...definitions.filter(({ docstring = "" }) => POINTS_ELSEWHERE.test(docstring))
      .map((each) =>
        fault(each, "has a docstring that points to the file's comment: describe it here")
      ),
  ].sort();
}

function repeatedNames(definitions: readonly Definition[]): readonly string[] {
  return [...Map.groupBy(definitions, ({ name }) => name).values()]
    .filter((same) => same.length > 1)
    .flatMap((same) =>
      same.map((each) => {
        const others = same.filter((other) => other !== each).map(({ path }) => path);
        return fault(each, `is also defined in ${others.join(" and ")}: rename one`);
      })
    );
}

/** Returns what files import, directly or through re-exports, as `path name`. */
function usedNames(files: readonly Source[]): ReadonlySet<string> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const used = new Set<string>();

  function use(path: string, name: string): void {
    const id = `${path} ${name}`;
    const file = byPath.get(path);
    if (used.has(id) || file === undefined) return;
    used.add(id);
    for (const definition of file.definitions) {
      if (name === "*") used.add(`${path} ${definition.name}`);
    }
    for (const reExport of file.reExports) {
      if (name === "*" || reExport.as === name) use(reExport.from, reExport.name);
      else if (reExport.as === "*") use(reExport.from, name);
    }
  }

  for (const { path, imports } of files) {
    for (const { from, name } of imports) if (from !== path) use(from, name);
  }
  return used;
}

function fault({ path, line, name }: Definition, what: string): string {
  return `${path}:${line} '${name}' ${what}`;
}

if (import.meta.main) {
  const files: Source[] = [];
  for await (const path of sources(ROOT)) {
    files.push(readSource(path, await Deno.readTextFile(path)));
  }
  const faults = findFaults(files);
  for (const each of faults) console.error(each);
  if (faults.length > 0) {
    console.error(`${faults.length} faults in exported names`);
    Deno.exit(1);
  }
}
