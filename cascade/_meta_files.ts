/**
 * Reads `meta/*.yml`, the metadata of properties. `value` replaces the value of the properties files;
 * `final` names the scope that more specific ones cannot override; `protected` is accepted and
 * ignored, because this service writes no properties for users. Properties of other programs are
 * ignored; one that looks like a misspelt property of this service is a warning.
 */

import { isJsonObject } from "../core/json.ts";
import { admit, type Findings, textInYaml } from "./_admit.ts";
import { concernsUs, findName, mentionsUs, type SettingDefinition } from "./schema.ts";
import { SCOPE_NAMES } from "./_original_keys.ts";
import { parseYamlMap, yamlFault, type YamlFile, type YamlPath } from "./yaml_file.ts";

/** A scope that settings can come from. */
export type ConfigScope = typeof SCOPE_NAMES[number];

/** The content of all files of `meta/`. */
export interface Metadata {
  readonly values: Map<string, SettingDefinition>;
  /** Canonical name → the most specific scope that has effect. */
  readonly finals: Map<string, ConfigScope>;
}

/** Reads one file into `metadata`. Later files override earlier ones. */
export function readMetaFile(
  { file, text }: { readonly file: string; readonly text: string },
  { metadata, findings }: { readonly metadata: Metadata; readonly findings: Findings },
): void {
  const parsed = parseYamlMap(file, text, {
    expected: "properties, each with 'value' or 'final'",
    mayRepeat: (key, depth) => depth === 0 && !concernsUs(key),
  });
  // A file that says nothing of this service is other programs' business, broken or not.
  const found = mentionsUs(text) ? findings.faults : findings.warnings;
  if (!parsed.ok) {
    found.push(...parsed.faults);
    return;
  }
  const { yaml, entries } = parsed;
  const fault = (message: string, path: YamlPath) => found.push(yamlFault(yaml, message, { path }));
  for (const [property, entry] of entries) {
    if (!concernsUs(property)) {
      readMetaValue(yaml, { property, value: "" }, findings);
      continue;
    }
    if (!isJsonObject(entry)) {
      fault(`'${property}' must have fields such as 'value' and 'final'`, [property]);
      continue;
    }
    if (entry.final !== undefined) {
      const scope = SCOPE_NAMES.find((known) => known === entry.final);
      const name = findName(property)?.name;
      if (!scope) fault(`'final' must be one of ${SCOPE_NAMES.join(", ")}`, [property, "final"]);
      else if (name !== undefined) metadata.finals.set(name, scope);
    }
    if (entry.value !== undefined) {
      const setting = readMetaValue(yaml, { property, value: entry.value }, findings);
      if (setting) metadata.values.set(setting.name, setting);
    }
  }
}

function readMetaValue(
  yaml: YamlFile,
  { property, value }: { readonly property: string; readonly value: unknown },
  findings: Findings,
): SettingDefinition | undefined {
  const raw = textInYaml(property, value);
  if (raw === undefined) {
    const path = [property, "value"];
    findings.faults.push(yamlFault(yaml, "'value' must be a single value", { path }));
    return undefined;
  }
  return admit({
    file: yaml.file,
    name: property,
    raw,
    nameAt: yaml.at([property], { of: "key" }),
    valueAt: yaml.at([property, "value"]),
  }, findings);
}
