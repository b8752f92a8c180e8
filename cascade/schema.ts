/**
 * Every key of the configuration, once, and how names are found in that table: aliases, the
 * `enabled.client.topic` form, environment variables, and the nearest known name for a misspelt
 * one. What a key means stands in the two tables; this file does not know any value.
 */

import type { TransportName } from "../core/subscription.ts";
import { CARILLON_KEYS } from "./_carillon_keys.ts";
import { OPEN_XCHANGE_KEYS } from "./_open_xchange_keys.ts";
import { nearest } from "./_nearest.ts";
import { ORIGINAL_KEYS } from "./_original_keys.ts";
import { type KeySpec, readValue, type Value } from "./key_spec.ts";

/** Name → what it is. The order is that of the documentation. */
export const KEYS = { ...ORIGINAL_KEYS, ...CARILLON_KEYS, ...OPEN_XCHANGE_KEYS };

/** Canonical name of a key, without client and topic. */
export type Key = keyof typeof KEYS;

/** Type of a key's value. */
export type ValueOf<K extends Key> = (typeof KEYS)[K] extends KeySpec<infer T> ? T : never;

/** The switch of each transport. */
export const ENABLED_KEYS: Readonly<Record<TransportName, Key>> = {
  websocket: "com.openexchange.pns.transport.websocket.enabled",
  apn: "com.openexchange.pns.transport.apn.ios.enabled",
  gcm: "com.openexchange.pns.transport.gcm.enabled",
  wns: "com.openexchange.pns.transport.wns.enabled",
  webpush: "com.openexchange.pns.transport.webpush.enabled",
  webhook: "com.openexchange.pns.transport.webhooks.enabled",
};

/** A name that was found in the table. */
export interface KnownName {
  readonly key: Key;
  /** The name without aliases, client and topic included. */
  readonly name: string;
  readonly spec: KeySpec;
}

/** One value for one name, checked. */
export interface SettingDefinition extends KnownName {
  readonly value: Value;
  /** Where it comes from, for people: `pns.properties:3:1`, `user attribute`. */
  readonly source: string;
}

/** A name and a text made a setting, or why they are none. */
export type ReadSetting =
  | ({ readonly kind: "setting" } & KnownName & { readonly value: Value })
  | { readonly kind: "unknown"; readonly nearest: string | undefined }
  | { readonly kind: "wrong"; readonly why: string };

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

/** All canonical keys with what they are. */
export function entries(): readonly (readonly [Key, KeySpec])[] {
  return Object.entries(KEYS) as unknown as readonly (readonly [Key, KeySpec])[];
}

/** Finds a name, its aliases and its client and topic form included. */
export function findName(name: string): KnownName | undefined {
  const exact = BY_NAME.get(name);
  if (exact) return { ...exact, name: exact.key };
  const base = perClientBase(name);
  const found = base === undefined ? undefined : BY_NAME.get(base);
  if (!found) return undefined;
  return { ...found, name: found.key + name.slice(base!.length) };
}

/** Whether a colon after this text belongs to a topic: the form is `base.client.topic`. */
export function mayNameTopic(keySoFar: string): boolean {
  return perClientBase(keySoFar) !== undefined;
}

/** Whether a name, known or not, is meant for this service. */
export function isOurs(name: string): boolean {
  return OUR_NAMESPACES.some((namespace) => name.startsWith(namespace));
}

/** Whether only this service can have a name, so that no other program is meant by it. */
export function isOursAlone(name: string): boolean {
  return name.startsWith(OWN_NAMESPACE);
}

/**
 * Whether a mistake in a property matters to this service. The original has more properties below
 * `com.openexchange.pns.` than those of the schema; `io.carillon.` is this service's alone.
 */
export function concernsUs(name: string): boolean {
  return name.startsWith(OWN_NAMESPACE) || findName(name) !== undefined;
}

/** Whether a text holds a name, or its beginning, for which {@link concernsUs} is true. */
export function mentionsUs(text: string): boolean {
  return mayMentionUs(text) &&
    [OWN_NAMESPACE, ...BY_NAME.keys()].some((start) => text.includes(start));
}

/** False where a text certainly says nothing about this service: quick, for hundreds of files. */
export function mayMentionUs(text: string): boolean {
  return STARTS.some((start) => text.includes(start));
}

/** Reads one value by what the schema says of its name. */
export function readSetting(name: string, raw: string): ReadSetting {
  const known = findName(name);
  if (!known) return { kind: "unknown", nearest: nearestName(name) };
  const read = readValue(known.spec, raw);
  if (!read.ok) return { kind: "wrong", why: `'${name}' ${read.why}` };
  return { kind: "setting", ...known, value: read.value };
}

/** The known name that a misspelt one is closest to; client and topic are kept. */
export function nearestName(name: string): string | undefined {
  const whole = nearest(name, BY_NAME.keys());
  if (whole !== undefined) return whole;
  for (const base of PER_CLIENT_NAMES) {
    const head = name.split(".").slice(0, base.split(".").length).join(".");
    if (nearest(head, [base]) !== undefined) return base + name.slice(head.length);
  }
  return undefined;
}

/** The environment variable of a name, as the original's containers have it. */
export function variableName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, "_").toUpperCase();
}

/** The name that an environment variable sets, upper or lower case. */
export function nameOfVariable(variable: string): string | undefined {
  return BY_VARIABLE.get(variable.toUpperCase());
}

/** Whether a variable looks like one of ours. */
export function isOurVariable(variable: string): boolean {
  const upper = variable.toUpperCase();
  return OUR_NAMESPACES.some((namespace) => upper.startsWith(variableName(namespace)));
}

/** The variable that a misspelt one is closest to. */
export function nearestVariable(variable: string): string | undefined {
  return nearest(variable, BY_VARIABLE.keys());
}

function perClientBase(name: string): string | undefined {
  return PER_CLIENT_NAMES.find((base) =>
    name.length > base.length + 1 && name.startsWith(base) && name[base.length] === "."
  );
}
