/**
 * Reads the server scope: every properties file in order of path, where the last one that sets a key
 * wins, then the values of `meta/`, then the environment.
 */

import type { FileFault, Position } from "../core/file_fault.ts";
import { admit, didYouMean, type Findings } from "./_admit.ts";
import { parseProperties } from "./properties.ts";
import {
  concernsUs,
  isOursAlone,
  isOurVariable,
  type Layer,
  mayNameTopic,
  nameOfVariable,
  nearestVariable,
  readSetting,
  type SettingDefinition,
} from "./schema.ts";

interface ServerSources {
  /** Properties files in order of path. */
  readonly files: readonly { readonly file: string; readonly text: string }[];
  readonly metaValues: Layer;
  readonly environment: Readonly<Record<string, string>>;
}

/** Returns the layer of the server scope; adds faults and warnings to `findings`. */
export function readServerScope(sources: ServerSources, findings: Findings): Layer {
  const layer = new Map<string, SettingDefinition>();
  for (const { file, text } of sources.files) {
    const { entries, faults } = parseProperties(file, text, { colonInKey: mayNameTopic });
    for (const { key, ...fault } of faults) listFor(key, findings).push(fault);
    for (const { key, value, keyAt, valueAt, separated } of entries) {
      if (key === "") {
        const message = "there is no key before the separator";
        findings.warnings.push({ file, ...keyAt, message });
        continue;
      }
      if (!separated && isOursAlone(key)) {
        const message = "there is no '=' after the key";
        findings.faults.push({ file, ...keyAt, message });
        continue;
      }
      if (!separated && concernsUs(key)) {
        const message = `there is no '=' after '${key}': its value is empty, as Java reads it`;
        findings.warnings.push({ file, ...keyAt, message });
      }
      const found = { file, name: key, raw: value, nameAt: keyAt, valueAt };
      const setting = admit(found, findings);
      if (setting) override(layer, setting, { file, at: keyAt, findings });
    }
  }
  for (const [name, setting] of sources.metaValues) layer.set(name, setting);
  for (const setting of readEnvironment(sources.environment, findings)) {
    layer.set(setting.name, setting);
  }
  return layer;
}

/** Mistakes in keys of other programs are warnings: they must not stop a load. */
function listFor(key: string, { faults, warnings }: Findings): FileFault[] {
  return concernsUs(key) ? faults : warnings;
}

function override(
  layer: Map<string, SettingDefinition>,
  setting: SettingDefinition,
  { file, at, findings }: { file: string; at: Position; findings: Findings },
): void {
  const before = layer.get(setting.name);
  if (before) {
    const message = `'${setting.name}' overrides the one of ${before.source}`;
    findings.warnings.push({ file, ...at, message });
  }
  layer.set(setting.name, setting);
}

function readEnvironment(
  environment: Readonly<Record<string, string>>,
  findings: Findings,
): readonly SettingDefinition[] {
  const place = { file: "environment", line: 1, column: 1 };
  return Object.entries(environment).flatMap(([variable, raw]) => {
    const name = nameOfVariable(variable);
    if (name === undefined) {
      if (isOurVariable(variable)) {
        const message = `'${variable}' names no key${didYouMean(nearestVariable(variable))}`;
        findings.warnings.push({ ...place, message });
      }
      return [];
    }
    const read = readSetting(name, raw);
    if (read.kind === "setting") {
      const { kind: _, ...setting } = read;
      return [{ ...setting, source: `environment ${variable}` }];
    }
    const why = read.kind === "wrong" ? read.why : "is not known";
    findings.faults.push({ ...place, message: `${variable}: ${why}` });
    return [];
  });
}
