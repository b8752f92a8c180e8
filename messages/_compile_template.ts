/** Compiles the fields of one template and reports each invalid one. */

import { canonicalLocale } from "../core/locale.ts";
import { isMap, isScalar, type Node, type Scalar } from "yaml";
import { readYamlBoolean } from "../core/yaml_boolean.ts";
import {
  ADDRESS_FIELDS,
  type ExtraTemplate,
  type Template,
  TEMPLATE_FIELDS,
  type TemplateSetting,
  TEXT_FIELDS,
} from "./template.ts";
import { parseTextTemplate, type TextTemplate } from "./text_template.ts";

/** A named value in the file. */
export interface Entry {
  readonly node: Node | null;
  readonly at: number;
  readonly name: string;
}

/** Reads YAML nodes and reports faults; offsets count characters of the file. */
export interface Reader {
  fault(offset: number, message: string): void;
  /** Whose plural rules apply; absent: English. */
  readonly locale?: string;
  /** Yields the entries of a map; reports a fault for any other node. */
  entries(entry: Entry, expected: string): Iterable<Entry>;
  /** Returns the items of a list; `undefined` for any other node. */
  items(entry: Entry): readonly Entry[] | undefined;
  /** Returns the offset of a character within a scalar, as exactly as possible. */
  textOffset(node: Scalar, into: number): number;
}

const TEXTS: readonly string[] = [...TEXT_FIELDS, ...ADDRESS_FIELDS, "badge", "collapsekey"];
const MAX_EXTRA_DEPTH = 8;

/** Compiles an entry; `undefined` where any part of it is invalid. */
export function compileTemplate(entry: Entry, reader: Reader): Template | undefined {
  const fields: Record<string, unknown> = {};
  let good = isMap(entry.node);
  for (const field of reader.entries(entry, "fields such as 'title'")) {
    const value = compileField(field, reader);
    if (value === undefined) good = false;
    else fields[field.name] = value;
  }
  return good ? fields as Template : undefined;
}

function compileField(entry: Entry, reader: Reader): unknown {
  const { node, at, name } = entry;
  if (TEXTS.includes(name)) return compileSetting(entry, reader);
  switch (name) {
    case "silent":
    case "private":
      return flagIn(node) ?? reader.fault(at, `'${name}' must be true or false`);
    case "locales":
      return compileLocales(entry, reader);
    case "extra":
      if (isMap(node)) return compileExtra(entry, { reader, depth: 0 });
      return reader.fault(at, "'extra' must contain fields in the provider's format");
    default:
      return reader.fault(
        at,
        `'${name.slice(0, 40)}' is not a field of a message: known are ${
          TEMPLATE_FIELDS.join(", ")
        }`,
      );
  }
}

/** Compiles what is different in each language. */
function compileLocales(entry: Entry, reader: Reader): ReadonlyMap<string, Template> | undefined {
  const locales = new Map<string, Template>();
  let good = isMap(entry.node);
  for (const each of reader.entries(entry, "languages such as 'de'")) {
    const locale = canonicalLocale(each.name);
    if (locale === undefined || reader.locale !== undefined) {
      good = false;
      reader.fault(
        each.at,
        locale === undefined
          ? `'${each.name.slice(0, 40)}' is not a language tag such as 'de' or 'pt-BR'`
          : "a language has no languages below it",
      );
      continue;
    }
    const template = compileTemplate(each, { ...reader, locale });
    if (!template) good = false;
    else if (template.private === undefined) locales.set(locale, template);
    else {
      good = false;
      reader.fault(each.at, "'private' holds for all languages: set it beside 'locales'");
    }
  }
  return good ? locales : undefined;
}

/** Reads a boolean in any spelling of YAML 1.1, as in the options files. */
function flagIn(node: Node | null): boolean | undefined {
  if (!isScalar(node)) return undefined;
  return typeof node.value === "boolean" ? node.value : readYamlBoolean(String(node.value));
}

/** Both `false` and an empty value omit the field. */
function compileSetting({ node, at, name }: Entry, reader: Reader): TemplateSetting | undefined {
  const value = isScalar(node) ? node.value : node;
  if (value === null || value === false) return false;
  if (isScalar(node) && (typeof value === "string" || typeof value === "number")) {
    return compileText(node, reader);
  }
  reader.fault(at, `'${name}' must be a text, or false to leave it out`);
  return undefined;
}

function compileText(node: Scalar, reader: Reader): TextTemplate | undefined {
  // A number is used as written in the file: '007' and '1e3' stay unchanged.
  const written = typeof node.value === "string" ? node.value : node.source;
  const parsed = parseTextTemplate(written ?? String(node.value), { locale: reader.locale });
  if (parsed.ok) return parsed.template;
  reader.fault(reader.textOffset(node, parsed.at), parsed.message);
  return undefined;
}

function compileExtra(
  entry: Entry,
  { reader, depth }: { readonly reader: Reader; readonly depth: number },
): ExtraTemplate | undefined {
  const { node, at } = entry;
  if (depth > MAX_EXTRA_DEPTH) {
    reader.fault(at, `'extra' is nested deeper than ${MAX_EXTRA_DEPTH} levels`);
    return undefined;
  }
  const inner = (child: Entry) => compileExtra(child, { reader, depth: depth + 1 });
  if (isMap(node)) {
    const fields = [...reader.entries(entry, "fields")].map((child) =>
      [child.name, inner(child)] as const
    );
    const good = fields.filter((field): field is [string, ExtraTemplate] => !!field[1]);
    return good.length === fields.length ? { fields: good } : undefined;
  }
  const items = reader.items(entry)?.map(inner);
  if (items) {
    const list = items.filter((item) => item !== undefined);
    return list.length === items.length ? { list } : undefined;
  }
  const value = isScalar(node) ? node.value : null;
  if (isScalar(node) && typeof value === "string") {
    const text = compileText(node, reader);
    return text && { text };
  }
  if (typeof value === "boolean" || typeof value === "number" && Number.isFinite(value)) {
    return { value };
  }
  if (value === null) return { value: null };
  reader.fault(at, "'extra' takes texts, numbers, true and false, lists and fields");
  return undefined;
}
