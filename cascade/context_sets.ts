/**
 * Context sets: settings for all users whose tags satisfy an expression. This file reads
 * `contextSets/*.yml`, collects the tags of a user, and finds the entries that match. Within the scope
 * the first matching entry that sets a key wins, in order of file and line.
 */

import { isJsonObject } from "../core/json.ts";
import { placeOf, type Position } from "../core/file_fault.ts";
import { admit, type Findings, textInYaml } from "./_admit.ts";
import { concernsUs, type Layer, mentionsUs, type SettingDefinition } from "./schema.ts";
import { holds, isTag, parseTagExpression, type TagExpression } from "./tag_expression.ts";
import { parseYamlMap, type Part, yamlFault, type YamlFile, type YamlPath } from "./yaml_file.ts";

/** One entry of a file. */
export interface ContextSet {
  readonly name: string;
  /** Its file, line and column, for messages. */
  readonly source: string;
  readonly withTags: TagExpression;
  /** The expression as it is written. */
  readonly expression: string;
  readonly addTags: readonly string[];
  readonly settings: Layer;
}

interface Subject {
  readonly context: string;
  readonly contextName?: string | undefined;
  /** The context's `taxonomy/types`, with commas. */
  readonly taxonomyTypes?: string | undefined;
  /** `com.openexchange.config.cascade.types` of the other scopes. */
  readonly types: readonly string[];
  /** Tags such as `ucWebMail`. */
  readonly permissions: readonly string[];
}

/** Reads one file; adds faults and warnings to `findings`. */
export function readContextSets(
  { file, text }: { readonly file: string; readonly text: string },
  findings: Findings,
): readonly ContextSet[] {
  const parsed = parseYamlMap(file, text, {
    expected: "entries, each with 'withTags'",
    mayRepeat: (key, depth) =>
      depth === 1 && !concernsUs(key) && key !== "withTags" && key !== "addTags",
  });
  // A file that sets nothing of this service is other programs' business, broken or not.
  const found = mentionsUs(text) ? findings.faults : findings.warnings;
  if (!parsed.ok) {
    found.push(...parsed.faults);
    return [];
  }
  const { yaml, entries } = parsed;
  return entries.flatMap(([name, entry]) => readEntry(yaml, { name, entry }, findings) ?? []);
}

/** Returns the indexes of the entries that match, after all tags of `addTags` have been added. */
export function matchingSets(sets: readonly ContextSet[], subject: Subject): readonly number[] {
  const tags = tagsOf(sets, subject);
  return sets.flatMap(({ withTags }, index) => holds(withTags, tags) ? [index] : []);
}

/** The tags of a user and the entries that they were compared with. */
export interface ContextSetsExplanation {
  /** Each tag with where it comes from: an id, an attribute, or the entry that added it. */
  readonly tags: readonly { readonly tag: string; readonly source: string }[];
  readonly sets: readonly {
    readonly name: string;
    /** Its file, line and column. */
    readonly source: string;
    /** The expression of `withTags` as it is written. */
    readonly withTags: string;
    readonly matches: boolean;
  }[];
}

/** Returns what {@link matchingSets} compares, for operators. */
export function explainSets(sets: readonly ContextSet[], subject: Subject): ContextSetsExplanation {
  const tags = tagsOf(sets, subject);
  return {
    tags: [...tags].map(([tag, source]) => ({ tag, source })),
    sets: sets.map(({ name, source, withTags, expression }) => ({
      ...{ name, source, withTags: expression, matches: holds(withTags, tags) },
    })),
  };
}

/** Merges the settings of several entries; the first one that sets a key wins. */
export function mergeSets(sets: readonly ContextSet[]): Layer {
  return new Map(sets.toReversed().flatMap(({ settings }) => [...settings]));
}

/**
 * Returns the tags of a user, each with where it comes from. Adds the tags of every entry that
 * matches, until no more do.
 */
function tagsOf(
  sets: readonly ContextSet[],
  { context, contextName, taxonomyTypes, types, permissions }: Subject,
): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  const add = (source: string, tags: readonly string[]) => {
    for (const tag of tags) if (!sources.has(tag)) sources.set(tag, source);
  };
  add("context id", [context]);
  add("com.openexchange.config.cascade.types", types);
  add("permission of the user", permissions);
  add("taxonomy/types of the context", words(taxonomyTypes ?? ""));
  if (contextName !== undefined) add("name of the context", [contextName]);
  for (let before = -1; before !== sources.size;) {
    before = sources.size;
    for (const { name, withTags, addTags } of sets) {
      if (addTags.length > 0 && holds(withTags, sources)) add(`addTags of '${name}'`, addTags);
    }
  }
  return sources;
}

function readEntry(
  yaml: YamlFile,
  { name, entry }: { readonly name: string; readonly entry: unknown },
  findings: Findings,
): ContextSet | undefined {
  const found = isForeignEntry(entry) ? findings.warnings : findings.faults;
  const fault = (message: string, path: YamlPath, part: Part = {}) => {
    found.push(yamlFault(yaml, message, { path: [name, ...path], ...part }));
    return undefined;
  };
  if (!isJsonObject(entry)) return fault(`'${name}' must have 'withTags' and properties`, []);
  const { withTags, addTags, ...properties } = entry;
  if (withTags === undefined) return fault(`'${name}' has no 'withTags'`, [], { of: "key" });
  const texts = new Map<string, string>();
  for (
    const [property, value] of Object.entries({ withTags, addTags: addTags ?? "", ...properties })
  ) {
    const text = textInYaml(property, value);
    const isForeign = Object.hasOwn(properties, property) && !concernsUs(property);
    if (text !== undefined || isForeign) texts.set(property, text ?? "");
    else fault(`'${property}' must be a single value`, [property]);
  }
  const expression = parseTagExpression(texts.get("withTags") ?? "");
  if (!expression.ok) {
    if (!texts.has("withTags")) return undefined;
    const { column, message } = expression;
    return fault(`'withTags': ${message} (column ${column} of the expression)`, ["withTags"], {
      into: column - 1,
    });
  }
  const tags = words(texts.get("addTags") ?? "");
  for (const tag of tags.filter((tag) => !isTag(tag))) {
    fault(`'addTags': '${tag}' cannot be a tag`, ["addTags"]);
  }
  const settings = new Map<string, SettingDefinition>();
  for (const property of Object.keys(properties)) {
    const raw = texts.get(property);
    if (raw === undefined) continue;
    const place = (of: "key" | "value") => yaml.at([name, property], { of });
    const nameAt = place("key");
    const setting = admit(
      { file: yaml.file, name: property, raw, nameAt, valueAt: place("value") },
      findings,
    );
    if (setting) addSetting(settings, setting, { file: yaml.file, at: nameAt, findings });
  }
  return {
    name,
    source: placeOf({ file: yaml.file, ...yaml.at([name], { of: "key" }) }),
    withTags: expression.expression,
    expression: texts.get("withTags")!,
    addTags: tags,
    settings,
  };
}

/**
 * Whether an entry sets only properties of other programs, so that its mistakes are warnings. An
 * entry that adds tags is not foreign: it may decide whether others match.
 */
function isForeignEntry(entry: unknown): boolean {
  if (entry === null) return true;
  if (!isJsonObject(entry)) return false;
  const { withTags: _, addTags, ...properties } = entry;
  const names = Object.keys(properties);
  return addTags === undefined && names.length > 0 && !names.some(concernsUs);
}

function addSetting(
  settings: Map<string, SettingDefinition>,
  setting: SettingDefinition,
  { file, at, findings }: { file: string; at: Position; findings: Findings },
): void {
  const warn = (message: string) => findings.warnings.push({ file, ...at, message });
  if (!setting.spec.cascade) {
    warn(`'${setting.name}' has effect at server scope only and is ignored here`);
  } else if (settings.has(setting.name)) {
    warn(`'${setting.name}' is already set under another of its names and is ignored here`);
  } else {
    settings.set(setting.name, setting);
  }
}

function words(text: string): readonly string[] {
  return text.split(",").map((word) => word.trim()).filter((word) => word !== "");
}
