/**
 * Reads a YAML file of the configuration. Every scalar is the text that the file contains: only the
 * reader of a value knows whether `0123`, `1e3` or `yes` is a text, a number or a boolean. Faults that
 * callers find in the content, with zod or by hand, get line and column here.
 */

import { isMap, isScalar, isSeq, Scalar } from "yaml";
import type { Node, Pair } from "yaml";
import type { z } from "zod";
import type { FileFault, Position } from "../core/file_fault.ts";
import { isJsonObject } from "../core/json.ts";
import { MAX_YAML_ALIASES, offsetOf, readYamlDocument } from "../core/yaml_document.ts";

/** A path in a value: names of map entries and indexes of list items. */
export type YamlPath = readonly PropertyKey[];

/** A part of a map entry, and an offset in it. */
export interface Part {
  /** @default {"value"} */
  readonly of?: "key" | "value";
  /** Characters from the start of a text on one line; ignored for other texts. */
  readonly into?: number;
}

/** A parsed file. */
export interface YamlFile {
  readonly file: string;
  /** Maps, lists and texts; `null` for an empty value or file, `~` and `null`. */
  readonly value: unknown;
  /** Returns the position of a path; where it does not exist, that of the innermost key around it. */
  at(path: YamlPath, part?: Part): Position;
}

type ParsedYaml =
  | { readonly ok: true; readonly yaml: YamlFile }
  | { readonly ok: false; readonly faults: readonly FileFault[] };

interface YamlOptions {
  /** Whether a map may contain a key twice; `depth` is 0 for the keys of the file itself. */
  readonly mayRepeat?: (key: string, depth: number) => boolean;
}

/** Reads the one document of a file. Never throws. */
export function parseYamlFile(
  file: string,
  text: string,
  options: YamlOptions = {},
): ParsedYaml {
  let yaml: YamlFile | undefined;
  const faults = readYamlDocument({
    ...{ file, text, merge: true, schema: "failsafe", customTags: ["null"] },
    ...options,
  }, (document, positionAt) => {
    const value: unknown = document.toJS({ maxAliasCount: MAX_YAML_ALIASES });
    const root = document.contents;
    yaml = { file, value, at: (path, part) => positionAt(offsetAt(root, path, part)) };
  });
  return yaml ? { ok: true, yaml } : { ok: false, faults };
}

/**
 * Reads a file whose document is a map; an empty file has no entries. Never throws.
 *
 * @param options.expected what the map contains, for the fault where the document is another
 */
export function parseYamlMap(
  file: string,
  text: string,
  { expected, ...options }: YamlOptions & { readonly expected: string },
):
  | { readonly ok: true; readonly yaml: YamlFile; readonly entries: [string, unknown][] }
  | { readonly ok: false; readonly faults: readonly FileFault[] } {
  const parsed = parseYamlFile(file, text, options);
  if (!parsed.ok) return parsed;
  const { yaml } = parsed;
  const value = yaml.value ?? {};
  if (isJsonObject(value)) return { ok: true, yaml, entries: Object.entries(value) };
  return { ok: false, faults: [yamlFault(yaml, `expected ${expected}`, { path: [] })] };
}

/** Creates a fault at a place in a parsed file. */
export function yamlFault(
  yaml: YamlFile,
  message: string,
  { path, ...part }: Part & { readonly path: YamlPath },
): FileFault {
  return { file: yaml.file, ...yaml.at(path, part), message };
}

/**
 * Converts issues of zod to faults with their places. No value is quoted, since it may be a secret.
 *
 * @param under the path of the part that zod checked
 */
export function issueFaults(
  yaml: YamlFile,
  issues: readonly z.core.$ZodIssue[],
  under: YamlPath = [],
): readonly FileFault[] {
  return issues.flatMap((issue) => {
    const path = [...under, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) =>
        yamlFault(yaml, `'${key}' is not known here`, { path: [...path, key], of: "key" })
      );
    }
    const name = issue.path.map(String).join(".");
    const missing = issue.path.length > 0 && !has(yaml.value, path);
    const place = name === "" ? "" : `'${name}': `;
    const message = missing ? `'${name}' is missing` : place + issue.message;
    return [yamlFault(yaml, message, { path })];
  });
}

function has(value: unknown, path: YamlPath): boolean {
  return path.every((part) => {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return false;
    value = (value as Record<PropertyKey, unknown>)[part];
    return true;
  });
}

function offsetAt(
  root: Node | null,
  path: YamlPath,
  { of = "value", into = 0 }: Part = {},
): number {
  let node: unknown = root;
  let innermost: Pair | undefined;
  for (const [index, part] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) =>
        isScalar(key) && String(key.value) === String(part)
      );
      if (!pair) return offsetOf(innermost?.key ?? root);
      innermost = pair;
      if (of === "key" && index === path.length - 1) break;
      node = pair.value;
    } else if (isSeq(node) && node.items[Number(part)] !== undefined) {
      node = node.items[Number(part)];
      if (index === path.length - 1) return offsetOf(node);
    } else {
      return offsetOf(innermost?.key ?? root);
    }
  }
  const isEmpty = isScalar(node) && node.value === null;
  if (innermost && (of === "key" || isEmpty)) return offsetOf(innermost.key);
  return offsetOf(node) + (into > 0 ? offsetWithin(node, into) : 0);
}

/** Returns 0 where the characters of the value are not those of the text. */
function offsetWithin(node: unknown, into: number): number {
  if (!isScalar(node) || typeof node.value !== "string" || !node.range) return 0;
  const quotes = node.type === Scalar.PLAIN ? 0 : 1;
  const isLiteral = node.type === Scalar.PLAIN || node.type === Scalar.QUOTE_DOUBLE ||
    node.type === Scalar.QUOTE_SINGLE;
  const length = node.range[1] - node.range[0] - 2 * quotes;
  return isLiteral && length === node.value.length ? into + quotes : 0;
}
