/** Takes a name and a text found somewhere into a layer, or says what is wrong with them. */

import { readYamlBoolean } from "../core/yaml_boolean.ts";
import { type ConfigFault, type Findings, placeOf, type Position } from "./faults.ts";
import { effectless } from "./original_properties.ts";
import { findName, isOurs, readSetting, type SettingDefinition } from "./schema.ts";

/** A name with its text, and where both stand. */
export interface Found {
  readonly file: string;
  readonly name: string;
  readonly raw: string;
  readonly nameAt: Position;
  readonly valueAt: Position;
}

/**
 * The setting that was found. Names of other programs are passed over; an unknown name in our
 * own namespaces is a warning, a wrong value a fault.
 */
export function admit(found: Found, findings: Findings): SettingDefinition | undefined {
  const { file, nameAt, valueAt } = found;
  // Most names are other programs': looking for the nearest known one would be most of a start.
  if (findName(found.name) === undefined && !isOurs(found.name)) return undefined;
  const read = readSetting(found.name, found.raw);
  if (read.kind === "setting") {
    return {
      key: read.key,
      name: read.name,
      spec: read.spec,
      value: read.value,
      source: placeOf({ file, ...nameAt }),
    };
  }
  if (read.kind === "wrong") {
    findings.faults.push({ file, ...valueAt, message: read.why });
  } else {
    const why = effectless(found.name);
    findings.warnings.push(
      why === undefined
        ? unknown(found, read.nearest)
        : { file, ...nameAt, message: `'${found.name}' has no effect here: ${why}` },
    );
  }
  return undefined;
}

/**
 * The text that a value in a YAML file sets a property to; `undefined` for lists and maps. Where
 * the property is a boolean, `yes` and `off` are what YAML 1.1 makes of them.
 */
export function textInYaml(name: string, value: unknown): string | undefined {
  if (value === null) return "";
  if (typeof value !== "string") return undefined;
  const isBoolean = findName(name)?.spec.type === "boolean";
  return String((isBoolean ? readYamlBoolean(value) : undefined) ?? value);
}

function unknown({ file, name, nameAt }: Found, nearest: string | undefined): ConfigFault {
  return { file, ...nameAt, message: `'${name}' is not known${didYouMean(nearest)}` };
}

/** The end of a message about something unknown. */
export function didYouMean(nearest: string | undefined): string {
  return nearest === undefined ? "" : `; did you mean '${nearest}'?`;
}
