/**
 * Reads `pns-messages.yml`: client → transport → topic → template. It reports all faults at once,
 * with file, line and column; the caller decides whether to use a file with faults.
 */

import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from "yaml";
import { messageOf } from "../core/errors.ts";
import { transportName } from "../core/subscription.ts";
import { topicFault } from "../core/topic.ts";
import { compileTemplate, type Entry, type Reader } from "./_compile_template.ts";
import type { Template } from "./template.ts";
import { ANY, indexTemplates, type Templates, type TemplateScope } from "./template_index.ts";

/** A fault in a file; line and column count from 1. */
interface TemplateFault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Limits files that grow when their aliases are expanded. */
const MAX_ALIASES = 100;

/** The result of compiling a file. */
interface CompiledTemplates {
  /** The valid templates. */
  readonly templates: Templates;
  readonly faults: readonly TemplateFault[];
}

/** Compiles a file's text. Never throws. */
export function compileTemplates(file: string, text: string): CompiledTemplates {
  const lines = new LineCounter();
  const faults: TemplateFault[] = [];
  function fault(offset: number, message: string): void {
    const { line, col } = lines.linePos(offset);
    faults.push({ file, line: Math.max(1, line), column: Math.max(1, col), message });
  }
  const found: [TemplateScope, Template][] = [];
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    for (const { pos: [offset], message } of document.errors) {
      // For a duplicate key the parser points to the end of the line before it.
      const gap = /^ *\n\s*/.exec(text.slice(offset))?.[0].length ?? 0;
      // Some messages quote the faulty text, which may be long.
      fault(offset + gap, messageOf(message, 200));
    }
    if (faults.length === 0) {
      const reader = readerOf(document, { text, fault });
      for (const entry of scopes(document.contents, reader)) {
        const template = compileTemplate(entry, reader);
        if (template) found.push([entry.scope, template]);
      }
    }
  } catch (thrown) {
    // Too many aliases, or nesting deeper than the stack.
    fault(0, messageOf(thrown, 200));
  }
  return { templates: indexTemplates(found), faults };
}

/** Yields the templates of a file with their scopes; reports invalid scopes. */
function* scopes(
  root: Node | null,
  reader: Reader,
): Generator<Entry & { readonly scope: TemplateScope }> {
  if (root === null || (isScalar(root) && root.value === null)) return;
  const top: Entry = { node: root, at: 0, name: "the file" };
  for (const client of reader.entries(top, 'clients (or "*")')) {
    for (const way of reader.entries(client, 'transports (or "*")')) {
      const transport = way.name === ANY ? ANY : transportName(way.name);
      if (transport === undefined) {
        reader.fault(way.at, `'${way.name}' is not a transport: known are apn, gcm, wns, webpush`);
        continue;
      }
      if (transport === "websocket") {
        reader.fault(
          way.at,
          "websocket sends data unchanged; templates are for the other transports",
        );
        continue;
      }
      for (const entry of reader.entries(way, 'topics (or "*")')) {
        const wrong = topicFault(entry.name);
        if (wrong) reader.fault(entry.at, `'${entry.name}' is not a topic: ${wrong}`);
        else yield { ...entry, scope: { client: client.name, transport, topic: entry.name } };
      }
    }
  }
}

function readerOf(
  document: Document,
  { text, fault }: { readonly text: string; readonly fault: Reader["fault"] },
): Reader {
  let aliases = 0;
  function resolved(node: unknown): Node | null {
    if (!isAlias(node)) return node as Node | null;
    if (++aliases > MAX_ALIASES) throw new Error(`More than ${MAX_ALIASES} aliases`);
    return node.resolve(document) as Node | undefined ?? null;
  }
  return {
    fault,
    *entries({ node, at, name }, expected) {
      if (!isMap(node)) {
        return fault(node?.range?.[0] ?? at, `'${name}' needs ${expected} below it`);
      }
      for (const { key, value } of node.items) {
        const start = (key as Node | null)?.range?.[0] ?? at;
        if (isScalar(key) && key.value !== null) {
          const name = typeof key.value === "string" ? key.value : key.source ?? `${key.value}`;
          yield { node: resolved(value), at: start, name };
        } else fault(start, "a name is expected here");
      }
    },
    items: ({ node, at, name }) =>
      isSeq(node)
        ? node.items.map((item) => ({
          node: resolved(item),
          at: (item as Node | null)?.range?.[0] ?? at,
          name,
        }))
        : undefined,
    textOffset(node, into) {
      const [start = 0, end = 0] = node.range ?? [];
      const source = text.slice(start, end);
      const shift = source.indexOf(node.source ?? String(node.value));
      return shift < 0 ? start : start + shift + into;
    },
  };
}
