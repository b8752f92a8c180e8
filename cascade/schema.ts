/**
 * The schema: all keys of the configuration, and the look-up of names, which may be aliases, have the
 * form `enabled.client.topic`, or be environment variables. For a misspelt name it finds the nearest
 * known one. The two tables of keys define what each key means.
 */

import type { TransportName } from "../core/subscription.ts";
import { CARILLON_KEYS } from "./_carillon_keys.ts";
import { CONSOLE_KEYS } from "./_console_keys.ts";
import { OPEN_XCHANGE_KEYS } from "./_open_xchange_keys.ts";
import { ORIGINAL_KEYS } from "./_original_keys.ts";
import { type KeySpec, readValue, type Value } from "./key_spec.ts";

/** All keys, in the order of the documentation. */
export const KEYS = {
  ...ORIGINAL_KEYS,
  ...CARILLON_KEYS,
  ...CONSOLE_KEYS,
  ...OPEN_XCHANGE_KEYS,
};

/** The canonical name of a key, without client and topic. */
export type Key = keyof typeof KEYS;

/** The type of a key's value. */
export type ValueOf<K extends Key> = (typeof KEYS)[K] extends KeySpec<infer T> ? T : never;

/** The key that enables each transport. */
export const ENABLED_KEYS: Readonly<Record<TransportName, Key>> = {
  websocket: "com.openexchange.pns.transport.websocket.enabled",
  apn: "com.openexchange.pns.transport.apn.ios.enabled",
  gcm: "com.openexchange.pns.transport.gcm.enabled",
  wns: "com.openexchange.pns.transport.wns.enabled",
  webpush: "com.openexchange.pns.transport.webpush.enabled",
  webhook: "com.openexchange.pns.transport.webhooks.enabled",
};

interface KnownName {
  readonly key: Key;
  /** The canonical name, including client and topic. */
  readonly name: string;
  readonly spec: KeySpec;
}

/** A checked value of a name. */
export interface SettingDefinition extends KnownName {
  readonly value: Value;
  /** Its origin for messages, e.g. `pns.properties:3:1` or `user attribute`. */
  readonly source: string;
}

/** One scope's settings as they are searched, by canonical name with client and topic. */
export type Layer = ReadonlyMap<string, SettingDefinition>;

/** The layer of a scope that has nothing to say. */
export const EMPTY_LAYER: Layer = new Map();

type ReadSetting =
  | ({ readonly kind: "setting" } & KnownName & { readonly value: Value })
  | { readonly kind: "unknown"; readonly nearest: string | undefined }
  | { readonly kind: "wrong"; readonly why: string };

/** Longer words are not compared: that would be slow. */
const MAX_COMPARED_LENGTH = 256;

const OWN_NAMESPACE = "io.carillon.";
const OUR_NAMESPACES = ["com.openexchange.pns.", OWN_NAMESPACE];

const BY_NAME: ReadonlyMap<string, { readonly key: Key; readonly spec: KeySpec }> = new Map(
  entries().flatMap(([key, spec]) =>
    [key, ...spec.aliases ?? []].map((name) => [name, { key, spec }] as const)
  ),
);

/** Every known name begins with one of these. */
const STARTS: readonly string[] = [
  ...OUR_NAMESPACES,
  ...[...BY_NAME.keys()].filter((name) => !isOurs(name)),
];

const BY_VARIABLE: ReadonlyMap<string, string> = new Map(
  [...BY_NAME.keys()].map((name) => [variableName(name), name] as const),
);

const PER_CLIENT_NAMES: readonly string[] = [...BY_NAME]
  .filter(([, { spec }]) => spec.perClient).map(([name]) => name);

/** Returns all canonical keys with their specifications. */
export function entries(): readonly (readonly [Key, KeySpec])[] {
  return Object.entries(KEYS) as unknown as readonly (readonly [Key, KeySpec])[];
}

/** Finds a name; it may be an alias and include client and topic. */
export function findName(name: string): KnownName | undefined {
  const exact = BY_NAME.get(name);
  if (exact) return { ...exact, name: exact.key };
  const base = perClientBase(name);
  const found = base === undefined ? undefined : BY_NAME.get(base);
  if (!found) return undefined;
  return { ...found, name: found.key + name.slice(base!.length) };
}

/** Whether a colon after this text belongs to a topic, as in `base.client.topic`. */
export function mayNameTopic(keySoFar: string): boolean {
  return perClientBase(keySoFar) !== undefined;
}

/** Whether a name, known or not, is in a namespace of this service. */
export function isOurs(name: string): boolean {
  return OUR_NAMESPACES.some((namespace) => name.startsWith(namespace));
}

/** Whether only this service can have a name, so that no other program is meant by it. */
export function isOursAlone(name: string): boolean {
  return name.startsWith(OWN_NAMESPACE);
}

/**
 * Whether a mistake in a property matters to this service. Below `com.openexchange.pns.` the original
 * has more properties than this schema; `io.carillon.` belongs to this service alone.
 */
export function concernsUs(name: string): boolean {
  return name.startsWith(OWN_NAMESPACE) || findName(name) !== undefined;
}

/** Whether a text contains a name, or the start of one, for which {@link concernsUs} is true. */
export function mentionsUs(text: string): boolean {
  return mayMentionUs(text) &&
    [OWN_NAMESPACE, ...BY_NAME.keys()].some((start) => text.includes(start));
}

/** False where a text certainly says nothing about this service: quick, for hundreds of files. */
export function mayMentionUs(text: string): boolean {
  return STARTS.some((start) => text.includes(start));
}

/** Parses a value by the specification of its name. */
export function readSetting(name: string, raw: string): ReadSetting {
  const known = findName(name);
  if (!known) return { kind: "unknown", nearest: nearestName(name) };
  const read = readValue(known.spec, raw);
  if (!read.ok) return { kind: "wrong", why: `'${name}' ${read.why}` };
  return { kind: "setting", ...known, value: read.value };
}

/** Returns the known name that a misspelt one is closest to; keeps client and topic. */
export function nearestName(name: string): string | undefined {
  const whole = nearest(name, BY_NAME.keys());
  if (whole !== undefined) return whole;
  for (const base of PER_CLIENT_NAMES) {
    const head = name.split(".").slice(0, base.split(".").length).join(".");
    if (nearest(head, [base]) !== undefined) return base + name.slice(head.length);
  }
  return undefined;
}

/** Returns the environment variable of a name, as in the original's containers. */
export function variableName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, "_").toUpperCase();
}

/** Returns the name that an environment variable sets, ignoring case. */
export function nameOfVariable(variable: string): string | undefined {
  return BY_VARIABLE.get(variable.toUpperCase());
}

/** Whether a variable is in a namespace of this service. */
export function isOurVariable(variable: string): boolean {
  const upper = variable.toUpperCase();
  return OUR_NAMESPACES.some((namespace) => upper.startsWith(variableName(namespace)));
}

/** Returns the variable that a misspelt one is closest to. */
export function nearestVariable(variable: string): string | undefined {
  return nearest(variable, BY_VARIABLE.keys());
}

function perClientBase(name: string): string | undefined {
  return PER_CLIENT_NAMES.find((base) =>
    name.length > base.length + 1 && name.startsWith(base) && name[base.length] === "."
  );
}

/**
 * Returns the candidate with the smallest edit distance; undefined where that is more than a quarter
 * of the word.
 */
function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > MAX_COMPARED_LENGTH) return undefined;
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.floor(word.length / 4) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance >= bestDistance) continue;
    bestDistance = distance;
    best = candidate;
  }
  return best;
}

/** Returns the Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
