/**
 * Reads a YAML file so that whatever is found wrong with its content later can still be said with
 * line and column. Every scalar is the text that is written in the file: only the reader of a value
 * knows whether `0123`, `1e3` or `yes` is meant as a text, a number or a boolean. The content is
 * checked by whoever asked for the file, with zod or by hand.
 */

import { isMap, isScalar, isSeq, LineCounter, parseDocument, Scalar, visit } from "yaml";
import type { Node, Pair } from "yaml";
import type { z } from "zod";
import { messageOf } from "../core/errors.ts";
import type { ConfigFault, Position } from "./faults.ts";

/** Where in a value: names of map entries and indexes of list items, from the top. */
export type YamlPath = readonly PropertyKey[];

/** Which part of a map entry, and how many characters into it. */
export interface Part {
  /** @default {"value"} */
  readonly of?: "key" | "value";
  /** Characters into a text that stands on one line; others count from their beginning. */
  readonly into?: number;
}

/** A file that was read. */
export interface YamlFile {
  readonly file: string;
  /** Maps, lists and texts; `null` for what is empty, `~` or `null`, and for an empty file. */
  readonly value: unknown;
  /** Where something stands; for what is not there, the key of the innermost entry around it. */
  at(path: YamlPath, part?: Part): Position;
}

type ParsedYaml =
  | { readonly ok: true; readonly yaml: YamlFile }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/** Settings of {@link parseYamlFile}. */
interface YamlOptions {
  /**
   * Whether a map entry may be there twice, the last one winning as in the original. `depth` is 0
   * for the entries of the file itself.
   *
   * @default {() => false} a key that is there twice is a fault
   */
  readonly mayRepeat?: (key: string, depth: number) => boolean;
}

/** Against files that would blow up when their aliases are expanded. */
const MAX_ALIASES = 100;

/** Reads the one document of a file. Never throws. */
export function parseYamlFile(
  file: string,
  text: string,
  { mayRepeat = () => false }: YamlOptions = {},
): ParsedYaml {
  const lines = new LineCounter();
  const place = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      logLevel: "error",
      merge: true,
      prettyErrors: false,
      schema: "failsafe",
      customTags: ["null"],
      uniqueKeys: false,
    });
    const problems = document.errors.map(({ pos, message }) => ({ at: pos[0], message }));
    visit(document, {
      Map(_key, { items }, path) {
        const depth = path.filter(isMap).length;
        for (const [key, at] of repeatedKeys(items)) {
          if (!mayRepeat(key, depth)) problems.push({ at, message: "Map keys must be unique" });
        }
      },
      Alias(_key, alias) {
        if (alias.resolve(document)) return;
        problems.push({ at: startOf(alias), message: "there is no anchor before this alias" });
      },
    });
    if (problems.length > 0) {
      const faults = problems.map(({ at, message }) => ({
        file,
        ...place(at),
        message: withoutQuote(message),
      }));
      return { ok: false, faults };
    }
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    const root = document.contents;
    return {
      ok: true,
      yaml: { file, value, at: (path, part) => place(offsetOf(root, path, part)) },
    };
  } catch (thrown) {
    // Too many aliases, or nesting deeper than the stack.
    const message = withoutQuote(messageOf(thrown, 200));
    return { ok: false, faults: [{ file, line: 1, column: 1, message }] };
  }
}

/** A fault at a place in a file that was read. */
export function yamlFault(
  yaml: YamlFile,
  message: string,
  { path, ...part }: Part & { readonly path: YamlPath },
): ConfigFault {
  return { file: yaml.file, ...yaml.at(path, part), message };
}

/**
 * What zod found wrong with a part of a file, as faults with their places. `under` is the path of
 * the part that zod was given. No value is quoted, since it may be a secret.
 */
export function issueFaults(
  yaml: YamlFile,
  issues: readonly z.core.$ZodIssue[],
  under: YamlPath = [],
): readonly ConfigFault[] {
  return issues.flatMap((issue) => {
    const path = [...under, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) =>
        yamlFault(yaml, `'${key}' is not known here`, { path: [...path, key], of: "key" })
      );
    }
    const name = issue.path.map(String).join(".");
    const missing = issue.path.length > 0 && !has(yaml.value, path);
    const message = missing ? `'${name}' is missing` : named(name, issue.message);
    return [yamlFault(yaml, message, { path })];
  });
}

/** Keys that stand before in the same map, and where they stand again. */
function repeatedKeys(items: readonly Pair[]): readonly (readonly [string, number])[] {
  const before = new Set<unknown>();
  return items.flatMap(({ key }) => {
    if (!isScalar(key)) return [];
    const name = String(key.value);
    if (!before.has(name)) {
      before.add(name);
      return [];
    }
    return [[name, startOf(key)] as const];
  });
}

/** The parser quotes the text after a colon, and that may be a secret. */
function withoutQuote(message: string): string {
  return message.split(": ")[0]!;
}

function named(name: string, message: string): string {
  return name === "" ? message : `'${name}': ${message}`;
}

function has(value: unknown, path: YamlPath): boolean {
  return path.every((part) => {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return false;
    value = (value as Record<PropertyKey, unknown>)[part];
    return true;
  });
}

function offsetOf(
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
      if (!pair) return startOf(innermost?.key ?? root);
      innermost = pair;
      if (of === "key" && index === path.length - 1) break;
      node = pair.value;
    } else if (isSeq(node) && node.items[Number(part)] !== undefined) {
      node = node.items[Number(part)];
      if (index === path.length - 1) return startOf(node);
    } else {
      return startOf(innermost?.key ?? root);
    }
  }
  const isEmpty = isScalar(node) && node.value === null;
  if (innermost && (of === "key" || isEmpty)) return startOf(innermost.key);
  return startOf(node) + (into > 0 ? offsetWithin(node, into) : 0);
}

function startOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0;
}

/** Only where a character of the value is a character of the text. */
function offsetWithin(node: unknown, into: number): number {
  if (!isScalar(node) || typeof node.value !== "string" || !node.range) return 0;
  const quotes = node.type === Scalar.PLAIN ? 0 : 1;
  const isLiteral = node.type === Scalar.PLAIN || node.type === Scalar.QUOTE_DOUBLE ||
    node.type === Scalar.QUOTE_SINGLE;
  const length = node.range[1] - node.range[0] - 2 * quotes;
  return isLiteral && length === node.value.length ? into + quotes : 0;
}
