/** Turns a name and a text from a configuration file into a setting, or reports a fault. */

import { readYamlBoolean } from "../core/yaml_boolean.ts";
import { type FileFault, placeOf, type Position } from "../core/file_fault.ts";
import { effectless } from "./original_properties.ts";
import { findName, isOurs, readSetting, type SettingDefinition } from "./schema.ts";

/** The faults and warnings of one load. Faults stop it, warnings do not. Neither quotes secrets. */
export interface Findings {
  readonly faults: FileFault[];
  readonly warnings: FileFault[];
}

interface Found {
  readonly file: string;
  readonly name: string;
  readonly raw: string;
  readonly nameAt: Position;
  readonly valueAt: Position;
}

/**
 * Returns the setting, or undefined. Names of other programs are ignored; an unknown name in this
 * service's namespaces is a warning, a wrong value a fault.
 */
export function admit(found: Found, findings: Findings): SettingDefinition | undefined {
  const { file, nameAt, valueAt } = found;
  // Most names are other programs': looking for the nearest known one would be most of a start.
  if (findName(found.name) === undefined && !isOurs(found.name)) return undefined;
  const read = readSetting(found.name, found.raw);
  if (read.kind === "setting") {
    const { kind: _, ...setting } = read;
    return { ...setting, source: placeOf({ file, ...nameAt }) };
  }
  if (read.kind === "wrong") {
    findings.faults.push({ file, ...valueAt, message: read.why });
    return undefined;
  }
  const why = effectless(found.name);
  const what = why === undefined
    ? `is not known${didYouMean(read.nearest)}`
    : `has no effect here: ${why}`;
  findings.warnings.push({ file, ...nameAt, message: `'${found.name}' ${what}` });
  return undefined;
}

/**
 * Returns the text of a property's value in a YAML file; undefined for lists and maps. For a boolean
 * property, `yes` and `off` are read as in YAML 1.1.
 */
export function textInYaml(name: string, value: unknown): string | undefined {
  if (value === null) return "";
  if (typeof value !== "string") return undefined;
  const isBoolean = findName(name)?.spec.type === "boolean";
  return String((isBoolean ? readYamlBoolean(value) : undefined) ?? value);
}

/** Returns the end of a message about an unknown name. */
export function didYouMean(nearest: string | undefined): string {
  return nearest === undefined ? "" : `; did you mean '${nearest}'?`;
}
