/**
 * Reads `pushClientConfig/*.yml`, where the middleware from 8.x on keeps the options of all push
 * clients: one flat map from client to options, each with a `_type`. The transports' schemas check
 * the options. APNs clients carry the suffix `-ios` there, which the middleware adds itself.
 */

import type { z } from "zod";
import { isJsonObject } from "../core/json.ts";
import type { TransportName } from "../core/subscription.ts";
import { type ClientOptions, readClientEntry } from "./client_options.ts";
import type { FileFault } from "../core/file_fault.ts";
import { parseYamlMap, yamlFault, type YamlFile } from "./yaml_file.ts";

interface PushClientEntry {
  readonly yaml: YamlFile;
  readonly client: string;
  readonly transport: TransportName;
  readonly options: Readonly<Record<string, unknown>>;
}

/** The clients of all files. */
export interface PushClients {
  readonly entries: readonly PushClientEntry[];
  /** Files that cannot be read, and entries without a known `_type`. */
  readonly faults: readonly FileFault[];
}

/** `_type` → transport. */
const TYPES: Readonly<Record<string, TransportName>> = {
  apn: "apn",
  apns: "apn",
  apns_http2: "apn",
  gcm: "gcm",
  fcm: "gcm",
  wns: "wns",
  webpush: "webpush",
};

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
  const clients = new Map<string, T>();
  const faults: FileFault[] = [];
  for (const { yaml, client, transport: of, options } of entries) {
    if (of !== transport) continue;
    const read = readClientEntry(yaml, { client, entry: options, schema });
    if (read.kind === "none") faults.push(...read.faults);
    else clients.set(client, read.options);
  }
  if (transport === "apn") addPlainNames(clients);
  return { clients, faults };
}

function readEntry(yaml: YamlFile, client: string, entry: unknown): PushClientEntry | FileFault {
  const fault = (message: string, part: string) =>
    yamlFault(yaml, `client '${client}': ${message}`, { path: [client, part] });
  if (!isJsonObject(entry)) return fault("expected options", "_type");
  const { _type: type, ...options } = entry;
  const transport = typeof type === "string" ? TYPES[type.trim().toLowerCase()] : undefined;
  if (transport === undefined) {
    return fault(`'_type' must be one of ${Object.keys(TYPES).join(", ")}`, "_type");
  }
  const stored = Object.keys(SECRET_STORE).find((name) => name in options);
  if (stored !== undefined) {
    const message = `'${stored}' names a key of the middleware's secret store, which this ` +
      `service cannot read: give a file as '${SECRET_STORE[stored]}'`;
    return fault(message, stored);
  }
  return { yaml, client, transport, options };
}

/** `myapp-ios` is the configuration of the client `myapp`, unless that has one of its own. */
function addPlainNames<T>(clients: Map<string, T>): void {
  for (const [client, options] of [...clients]) {
    if (!client.endsWith(APNS_SUFFIX)) continue;
    const plain = client.slice(0, -APNS_SUFFIX.length);
    if (plain !== "" && !clients.has(plain)) clients.set(plain, options);
  }
}
