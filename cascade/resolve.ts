/**
 * The rules by which one value is found: names from the most to the least specific, each looked
 * up in every scope before the next name's turn, no scope counting that is more specific than a
 * `final` one. Pure; the trail it can leave is what `explain` shows.
 */

import type { Layer } from "./_layer.ts";
import type { ConfigScope } from "./_meta_files.ts";
import { type Value, valueText } from "./key_spec.ts";
import type { SettingDefinition } from "./schema.ts";

/** A scope and what it says. */
export interface ScopeLayer {
  readonly scope: ConfigScope;
  readonly layer: Layer;
}

/** Everything that is searched for one user, most specific scope first. */
export interface Stack {
  readonly layers: readonly ScopeLayer[];
  readonly finals: ReadonlyMap<string, ConfigScope>;
}

/** One place that was looked at. */
export interface TrailStep {
  /** The full name that was looked for. */
  readonly key: string;
  readonly scope: ConfigScope | "default";
  /** File, line and column, variable, or the kind of attribute; absent where nothing is set. */
  readonly source?: string;
  /** What is set there; secrets are replaced. */
  readonly value?: string;
  /** This is the value that counts. Exactly one step has it. */
  readonly chosen: boolean;
  /** It would count, but a less specific scope is final. */
  readonly barred?: true;
}

/** A value with the way that led to it. */
export interface Resolution<T> {
  readonly value: T;
  readonly trail: readonly TrailStep[];
}

/** The first setting of a name in the scopes that count for it. */
export function lookUp(stack: Stack, name: string): SettingDefinition | undefined {
  for (let index = firstOpen(stack, name); index < stack.layers.length; index++) {
    const setting = stack.layers[index]!.layer.get(name);
    if (setting) return setting;
  }
  return undefined;
}

/** Finds the value of the first of several names like {@link lookUp}, and notes every place. */
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

/** Index of the most specific layer that counts for a name. */
function firstOpen({ layers, finals }: Stack, name: string): number {
  const final = finals.size === 0 ? undefined : finals.get(name);
  return final === undefined ? 0 : Math.max(0, layers.findIndex(({ scope }) => scope === final));
}

function shown({ spec, value }: SettingDefinition): string {
  return spec.secret ? "[redacted]" : valueText(value);
}
