/**
 * The clients of one transport from every file that may have them: the transport's own options file,
 * the original's of 7.10 for APNs over HTTP/2, and `pushClientConfig/*.yml`.
 */

import type { z } from "zod";
import type { FileFault } from "../core/file_fault.ts";
import type { TransportName } from "../core/subscription.ts";
import { type ClientOptions, OPTIONS_FILES, parseClientOptions } from "./client_options.ts";
import { pushClientOptions, type PushClients } from "./push_client_config.ts";

/** A transport whose clients have options in files. */
export type ConfiguredTransport = Exclude<TransportName, "websocket">;

/** The clients of a transport, with the file that each is in. */
export interface TransportClients<T> extends ClientOptions<T> {
  readonly sources: ReadonlyMap<string, string>;
}

/** Where the original from 7.10.0 to 7.10.6 has the options of its HTTP/2 transport. */
const APNS_HTTP2_FILE = "pns-apns_http2-options.yml";
/** The folder of {@link PushClients}. */
const PUSH_CLIENTS = "pushClientConfig/";

/**
 * Reads them. A client that is in several files counts as it is in `pushClientConfig/`: a middleware
 * that has this folder reads no other file.
 */
export function readTransportClients<T>(
  { file, pushClients }: {
    /** The text of a file below the configuration folder. */
    readonly file: (path: string) => string | undefined;
    readonly pushClients: PushClients;
  },
  { transport, schema }: {
    readonly transport: ConfiguredTransport;
    readonly schema: z.ZodType<T>;
  },
): TransportClients<T> {
  const clients = new Map<string, T>();
  const sources = new Map<string, string>();
  const faults: FileFault[] = [];
  function add(read: ClientOptions<T>, source: string): void {
    faults.push(...read.faults);
    for (const [client, options] of read.clients) {
      clients.set(client, options);
      sources.set(client, source);
    }
  }
  const files = [OPTIONS_FILES[transport], ...transport === "apn" ? [APNS_HTTP2_FILE] : []];
  for (const path of files) {
    add(parseClientOptions({ file: path, text: file(path) ?? "" }, schema), path);
  }
  add(pushClientOptions(pushClients, { transport, schema }), PUSH_CLIENTS);
  return { clients, sources, faults };
}
