/**
 * Reads `pushClientConfig/*.yml`, where the middleware from 8.x on keeps the options of all push
 * clients: one flat map from client to options, each with a `_type`. The transports' schemas check
 * the options. APNs clients carry the suffix `-ios` there, which the middleware adds itself.
 */

import type { z } from "zod";
import { isJsonObject } from "../core/json.ts";
import { type TransportName, transportName } from "../core/subscription.ts";
import { type ClientEntry, type ClientOptions, readClients } from "./client_options.ts";
import type { FileFault } from "../core/file_fault.ts";
import { parseYamlMap, yamlFault, type YamlFile } from "./yaml_file.ts";

interface PushClientEntry extends ClientEntry {
  readonly transport: TransportName;
}

/** The clients of all files. */
export interface PushClients {
  readonly entries: readonly PushClientEntry[];
  /** Files that cannot be read, and entries without a known `_type`. */
  readonly faults: readonly FileFault[];
}

/** The values of `_type`. */
const TYPES = ["apn", "apns", "apns_http2", "gcm", "fcm", "wns", "webpush"];

const APNS_SUFFIX = "-ios";
/** Options that name a key of the middleware's secret store, and what takes their place. */
const SECRET_STORE: Readonly<Record<string, string>> = {
  keystoreId: "keystore",
  privatekeyId: "privatekey",
};

/** Reads all files, in order of path; a client that is there twice counts as it is there last. */
export function readPushClients(
  files: Iterable<readonly [path: string, text: string]>,
): PushClients {
  const entries = new Map<string, PushClientEntry>();
  const faults: FileFault[] = [];
  for (const [file, text] of files) {
    const expected = "clients, each with its options";
    const parsed = parseYamlMap(file, text, { expected, mayRepeat: () => true });
    if (!parsed.ok) {
      faults.push(...parsed.faults);
      continue;
    }
    for (const [client, entry] of parsed.entries) {
      const read = readEntry(parsed.yaml, client, entry);
      if ("message" in read) faults.push(read);
      else entries.set(client, read);
    }
  }
  return { entries: [...entries.values()], faults };
}

/** Checks the clients of one transport with its schema. */
export function pushClientOptions<T>(
  { entries }: PushClients,
  { transport, schema }: { readonly transport: TransportName; readonly schema: z.ZodType<T> },
): ClientOptions<T> {
  const { clients, faults } = readClients(
    entries.filter((one) => one.transport === transport),
    schema,
  );
  return { clients: transport === "apn" ? withPlainNames(clients) : clients, faults };
}

function readEntry(yaml: YamlFile, client: string, entry: unknown): PushClientEntry | FileFault {
  const fault = (message: string, part: string) =>
    yamlFault(yaml, `client '${client}': ${message}`, { path: [client, part] });
  if (!isJsonObject(entry)) return fault("expected options", "_type");
  const { _type: type, ...options } = entry;
  const name = typeof type === "string" ? type.trim().toLowerCase() : "";
  const transport = TYPES.includes(name) ? transportName(name) : undefined;
  if (transport === undefined) {
    return fault(`'_type' must be one of ${TYPES.join(", ")}`, "_type");
  }
  const stored = Object.keys(SECRET_STORE).find((name) => name in options);
  if (stored !== undefined) {
    const message = `'${stored}' names a key of the middleware's secret store, which this ` +
      `service cannot read: give a file as '${SECRET_STORE[stored]}'`;
    return fault(message, stored);
  }
  return { yaml, client, transport, entry: options };
}

/** `myapp-ios` is the configuration of the client `myapp`, unless that has one of its own. */
function withPlainNames<T>(clients: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  const plain = [...clients].filter(([client]) => client.endsWith(APNS_SUFFIX))
    .map(([client, options]) => [client.slice(0, -APNS_SUFFIX.length), options] as const)
    .filter(([client]) => client !== "" && !clients.has(client));
  return new Map([...clients, ...plain]);
}
