/** Reads a configuration folder as a start does, and checks what a start checks. */

import { buildConfiguration, type BuiltConfiguration } from "../../cascade/configuration.ts";
import {
  type ConfiguredTransport,
  createDenoConfigFiles,
  loadConfiguration,
  parseWebsocketClients,
  readPushClients,
  readTransportClients,
  type TransportClients,
} from "../../cascade/mod.ts";
import type { FileFault } from "../../core/file_fault.ts";
import { apnOptionsSchema } from "../../transports/apn/mod.ts";
import { gcmOptionsSchema } from "../../transports/gcm/mod.ts";
import { webhookOptionsSchema } from "../../transports/webhook/mod.ts";
import { webPushOptionsSchema } from "../../transports/webpush/mod.ts";
import { wnsOptionsSchema } from "../../transports/wns/mod.ts";

/** What a folder and the environment say. */
export interface ReadConfiguration {
  /** Path → text of every file that a start reads. */
  readonly texts: ReadonlyMap<string, string>;
  readonly built: BuiltConfiguration;
  /** The clients of each transport; their options are checked, and of the transport's own type. */
  readonly clients: Readonly<Record<ConfiguredTransport, TransportClients<unknown>>>;
  /** Why clients are left out. */
  readonly clientFaults: readonly FileFault[];
  /** A client that opens sockets, where a stream must name one of several. */
  readonly streamClient: string | undefined;
}

const SCHEMAS = {
  apn: apnOptionsSchema,
  gcm: gcmOptionsSchema,
  wns: wnsOptionsSchema,
  webpush: webPushOptionsSchema,
  webhook: webhookOptionsSchema,
} as const satisfies Record<ConfiguredTransport, unknown>;

const SOCKET_CLIENTS = "pns-websocket-clients.yml";

/** Reads and checks everything; a folder that is missing counts as empty. */
export async function readConfiguration(
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<ReadConfiguration> {
  const loaded = await loadConfiguration({ files: createDenoConfigFiles(folder), environment });
  return { ...loaded, ...clientsIn(loaded.texts) };
}

/** The same for files that are in memory, e.g. before one of them is written. */
export function configurationOf(
  texts: ReadonlyMap<string, string>,
  environment: Readonly<Record<string, string>>,
): ReadConfiguration {
  return { texts, built: buildConfiguration({ files: texts, environment }), ...clientsIn(texts) };
}

function clientsIn(
  texts: ReadonlyMap<string, string>,
): Omit<ReadConfiguration, "texts" | "built"> {
  const pushClients = readPushClients(
    [...texts].filter(([path]) => path.startsWith("pushClientConfig/")),
  );
  const files = { file: (path: string) => texts.get(path), pushClients };
  const clients = Object.entries(SCHEMAS).map(([name, schema]) => {
    const transport = name as ConfiguredTransport;
    return [transport, readTransportClients<unknown>(files, { transport, schema })] as const;
  });
  const opening = parseWebsocketClients(SOCKET_CLIENTS, texts.get(SOCKET_CLIENTS) ?? "").clients;
  return {
    streamClient: opening.length > 1 ? opening[0]!.client : undefined,
    clients: Object.fromEntries(clients) as ReadConfiguration["clients"],
    clientFaults: [...pushClients.faults, ...clients.flatMap(([, { faults }]) => faults)],
  };
}
