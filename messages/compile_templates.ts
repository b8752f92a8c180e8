/**
 * Reads `pns-messages.yml`: client → transport → topic → template. It reports all faults at once,
 * with file, line and column; the caller decides whether to use a file with faults.
 */

import { type Document, isAlias, isMap, isScalar, isSeq, type Node } from "yaml";
import type { FileFault } from "../core/file_fault.ts";
import { transportName } from "../core/subscription.ts";
import { topicFault } from "../core/topic.ts";
import { MAX_YAML_ALIASES, readYamlDocument } from "../core/yaml_document.ts";
import { compileTemplate, type Entry, type Reader } from "./_compile_template.ts";
import type { Template } from "./template.ts";
import { ANY, indexTemplates, type Templates, type TemplateScope } from "./template_index.ts";

interface CompiledTemplates {
  readonly templates: Templates;
  readonly faults: readonly FileFault[];
}

/** Compiles a file's text. Never throws. */
export function compileTemplates(file: string, text: string): CompiledTemplates {
  const found: [TemplateScope, Template][] = [];
  const faults: FileFault[] = [];
  const unreadable = readYamlDocument({ file, text }, (document, positionAt) => {
    const fault = (offset: number, message: string) =>
      void faults.push({ file, ...positionAt(offset), message });
    const reader = readerOf(document, { text, fault });
    for (const entry of scopes(document.contents, reader)) {
      const template = compileTemplate(entry, reader);
      if (template) found.push([entry.scope, template]);
    }
  });
  return { templates: indexTemplates(found), faults: [...faults, ...unreadable] };
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
    if (++aliases > MAX_YAML_ALIASES) throw new Error(`More than ${MAX_YAML_ALIASES} aliases`);
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
