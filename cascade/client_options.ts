/**
 * Reads the options of each client of a transport, from files such as `pns-apns-options.yml`. A bad
 * entry disables only its client. The transport defines the options by the schema that it passes.
 */

import type { z } from "zod";
import { isJsonObject } from "../core/json.ts";
import type { TransportName } from "../core/subscription.ts";
import { readYamlBoolean } from "../core/yaml_boolean.ts";
import type { FileFault } from "../core/file_fault.ts";
import { issueFaults, parseYamlMap, yamlFault, type YamlFile } from "./yaml_file.ts";

/** The clients of one file. */
export interface ClientOptions<T> {
  /** Clients that are configured, enabled and without fault. */
  readonly clients: ReadonlyMap<string, T>;
  readonly faults: readonly FileFault[];
}

/** The options file of each transport; sockets have none. */
export const OPTIONS_FILES = {
  apn: "pns-apns-options.yml",
  gcm: "pns-gcm-options.yml",
  wns: "pns-wns-options.yml",
  webpush: "pns-webpush-options.yml",
  webhook: "webhooks.yml",
} as const satisfies Record<Exclude<TransportName, "websocket">, string>;

const MAX_CLIENT = 64;

/**
 * Reads a file of client → options. Entries with `enabled: false` are skipped; `enabled` itself is
 * removed before `schema` checks the entry. All scalars are passed to the schema as trimmed texts.
 */
export function parseClientOptions<T>(
  { file, text }: { readonly file: string; readonly text: string },
  schema: z.ZodType<T>,
): ClientOptions<T> {
  const parsed = parseYamlMap(file, text, { expected: "clients, each with its options" });
  if (!parsed.ok) return { clients: new Map(), faults: parsed.faults };
  const { yaml, entries } = parsed;
  return readClients(entries.map(([client, entry]) => ({ yaml, client, entry })), schema);
}

/** The entry of one client in a file that was read. */
export interface ClientEntry {
  readonly yaml: YamlFile;
  readonly client: string;
  readonly entry: unknown;
}

/** Reads entries as {@link parseClientOptions} does. */
export function readClients<T>(
  entries: readonly ClientEntry[],
  schema: z.ZodType<T>,
): ClientOptions<T> {
  const clients = new Map<string, T>();
  const faults: FileFault[] = [];
  for (const entry of entries) {
    const options = readEntry(entry, { schema, faults });
    if (options !== undefined) clients.set(entry.client, options);
  }
  return { clients, faults };
}

/** Returns nothing where the client is disabled on purpose, or has faults. */
function readEntry<T>(
  { yaml, client, entry }: ClientEntry,
  { schema, faults }: { readonly schema: z.ZodType<T>; readonly faults: FileFault[] },
): T | undefined {
  const fault = (message: string, ...path: string[]) =>
    void faults.push(
      yamlFault(yaml, `client '${client}': ${message}`, { path: [client, ...path] }),
    );
  if (client.trim() === "" || client.length > MAX_CLIENT) {
    return fault(`a client's name has 1 to ${MAX_CLIENT} characters`);
  }
  if (!isJsonObject(entry)) return fault("expected options");
  const { enabled = true, ...options } = trimmed(entry) as Record<string, unknown>;
  const isEnabled = readYamlBoolean(String(enabled));
  if (isEnabled === false) return undefined;
  if (isEnabled === undefined) return fault("'enabled' must be true or false", "enabled");
  const checked = schema.safeParse(options);
  if (checked.success) return checked.data;
  for (const found of issueFaults(yaml, checked.error.issues, [client])) {
    faults.push({ ...found, message: `client '${client}': ${found.message}` });
  }
  return undefined;
}

/** Trims all texts of a value, at any depth. */
function trimmed(value: unknown): unknown {
  if (typeof value === "string") return value.trim();
  if (Array.isArray(value)) return value.map(trimmed);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, trimmed(inner)]));
}
