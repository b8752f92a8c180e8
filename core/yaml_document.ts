/**
 * Parses YAML files so that faults, also those that are found later in their content, have line and
 * column. What the content means is up to the caller.
 */

import {
  type Document,
  type DocumentOptions,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type ParseOptions,
  type SchemaOptions,
  visit,
} from "yaml";
import { messageOf } from "./errors.ts";
import type { FileFault, Position } from "./file_fault.ts";

/** The most aliases that are expanded, so that a small file cannot become a huge value. */
export const MAX_YAML_ALIASES = 100;

interface YamlText extends ParseOptions, DocumentOptions, SchemaOptions {
  readonly file: string;
  readonly text: string;
  /**
   * Whether a map may contain a key twice, the last one winning as in the original. `depth` is 0 for
   * the keys of the file itself.
   *
   * @default {() => false} a repeated key is a fault
   */
  readonly mayRepeat?: (key: string, depth: number) => boolean;
}

/**
 * Parses the one document of a file and passes it to `read`. Never throws: an error of `read` (too
 * many aliases, or nesting deeper than the stack) becomes a fault.
 *
 * @returns the faults; empty where the document was read
 */
export function readYamlDocument(
  { file, text, mayRepeat = () => false, ...options }: YamlText,
  read: (document: Document.Parsed, positionAt: (offset: number) => Position) => void,
): readonly FileFault[] {
  const lineCounter = new LineCounter();
  const positionAt = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const faults: FileFault[] = [];
  const addFault = (offset: number, message: string) =>
    faults.push({ file, ...positionAt(offset), message: withoutQuote(message) });
  try {
    const document = parseDocument(text, {
      ...{ lineCounter, logLevel: "error", prettyErrors: false, uniqueKeys: false },
      ...options,
    });
    for (const { pos: [offset], message } of document.errors) addFault(offset, message);
    visit(document, {
      Map(_key, { items }, path) {
        const depth = path.filter(isMap).length;
        for (const [key, offset] of repeatedKeys(items)) {
          if (!mayRepeat(key, depth)) addFault(offset, "Map keys must be unique");
        }
      },
      Alias(_key, alias) {
        if (alias.resolve(document)) return;
        addFault(offsetOf(alias), "there is no anchor before this alias");
      },
    });
    if (faults.length === 0) read(document, positionAt);
  } catch (thrown) {
    addFault(0, messageOf(thrown, 200));
  }
  return faults;
}

/** Returns the offset at which a node begins; 0 for nodes without a place in the text. */
export function offsetOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0;
}

/** Returns the keys that stand before in the same map, and their offsets. */
function repeatedKeys(items: readonly Pair[]): readonly (readonly [string, number])[] {
  const before = new Set<string>();
  return items.flatMap(({ key }) => {
    if (!isScalar(key)) return [];
    const name = String(key.value);
    if (before.has(name)) return [[name, offsetOf(key)] as const];
    before.add(name);
    return [];
  });
}

/** The parser quotes the text after a colon, which may be a secret. */
function withoutQuote(message: string): string {
  return message.split(": ")[0]!;
}
