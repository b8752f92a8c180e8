/**
 * Resolves a value: tries names from the most to the least specific, each in every scope before the
 * next name. Scopes that are more specific than a `final` one are skipped. It is pure; `explain` shows
 * the trail that it can record.
 */

import type { ConfigScope } from "./_meta_files.ts";
import { type Value, valueText } from "./key_spec.ts";
import type { Layer, SettingDefinition } from "./schema.ts";

/** Stands for the value of a secret. */
export const REDACTED = "[redacted]";

/** A scope and its settings. */
export interface ScopeLayer {
  readonly scope: ConfigScope;
  readonly layer: Layer;
}

/** The scopes of one user, most specific first. */
export interface Stack {
  readonly layers: readonly ScopeLayer[];
  readonly finals: ReadonlyMap<string, ConfigScope>;
}

/** One place that was searched. */
export interface TrailStep {
  /** The full name that was searched for. */
  readonly key: string;
  readonly scope: ConfigScope | "default";
  /** File, line and column; a variable; or the kind of attribute. Absent where nothing is set. */
  readonly source?: string;
  /** The value that is set there; secrets are redacted. */
  readonly value?: string;
  /** Whether this step provides the value. Exactly one step does. */
  readonly chosen: boolean;
  /** Set where the step has no effect because a less specific scope is final. */
  readonly barred?: true;
}

/** A value and the trail of its resolution. */
export interface Resolution<T> {
  readonly value: T;
  readonly trail: readonly TrailStep[];
}

/** Returns the first setting of a name in the scopes that have effect for it. */
export function lookUp(stack: Stack, name: string): SettingDefinition | undefined {
  for (let index = firstOpen(stack, name); index < stack.layers.length; index++) {
    const setting = stack.layers[index]!.layer.get(name);
    if (setting) return setting;
  }
  return undefined;
}

/** Resolves the first of several names that is set, and records every place that it searches. */
export function trace(
  stack: Stack,
  { names, fallback }: { readonly names: readonly string[]; readonly fallback: Value },
): Resolution<Value> {
  const trail: TrailStep[] = [];
  let chosen: SettingDefinition | undefined;
  for (const name of names) {
    const open = firstOpen(stack, name);
    for (const [index, { scope, layer }] of stack.layers.entries()) {
      const setting = layer.get(name);
      const isChosen = chosen === undefined && setting !== undefined && index >= open;
      if (isChosen) chosen = setting;
      trail.push({
        key: name,
        scope,
        ...(setting ? { source: setting.source, value: shown(setting) } : {}),
        chosen: isChosen,
        ...(setting && index < open ? { barred: true } : {}),
      });
    }
  }
  trail.push({
    key: names.at(-1)!,
    scope: "default",
    value: valueText(fallback),
    chosen: chosen === undefined,
  });
  return { value: chosen ? chosen.value : fallback, trail };
}

/** Returns the index of the most specific layer that has effect for a name. */
function firstOpen({ layers, finals }: Stack, name: string): number {
  const final = finals.size === 0 ? undefined : finals.get(name);
  return final === undefined ? 0 : Math.max(0, layers.findIndex(({ scope }) => scope === final));
}

function shown({ spec, value }: SettingDefinition): string {
  return spec.secret ? REDACTED : valueText(value);
}
