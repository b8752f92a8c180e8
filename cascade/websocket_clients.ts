/**
 * Reads `pns-websocket-clients.yml`: the client of each socket path and the topics that it receives.
 * Path patterns have the original's syntax: an exact path, a path with `/*` for it and all below it,
 * or `*` for every path.
 */

import { z } from "zod";
import { pathFilterFault } from "../core/path_filter.ts";
import { topicFault } from "../core/topic.ts";
import type { FileFault } from "../core/file_fault.ts";
import { parseClientOptions } from "./client_options.ts";
import { parseYamlFile, yamlFault } from "./yaml_file.ts";

/** One client that opens sockets. */
export interface WebsocketClient {
  readonly client: string;
  readonly path: string;
  readonly topics: readonly string[];
}

interface WebsocketClients {
  readonly clients: readonly WebsocketClient[];
  readonly faults: readonly FileFault[];
}

const schema = z.strictObject({
  path: z.string().refine(
    (path) => path === "*" || pathFilterFault(path) === undefined,
    "must be a path such as '/socket.io/appsuite/*'",
  ),
  topics: z.array(
    z.string().superRefine((topic, context) => {
      const fault = topicFault(topic);
      if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
    }),
  ).min(1, "must name at least one topic, or '*'"),
});

/**
 * Reads the file. A bad entry disables only its client. Clients with more specific paths come first.
 */
export function parseWebsocketClients(file: string, text: string): WebsocketClients {
  const parsed = parseClientOptions({ file, text }, schema);
  const faults = [...parsed.faults];
  const byPath = new Map<string, WebsocketClient>();
  for (const [client, { path, topics }] of parsed.clients) {
    const other = byPath.get(path);
    if (other === undefined) byPath.set(path, { client, path, topics });
    else {
      const message = `client '${client}': client '${other.client}' has the same path`;
      const yaml = parseYamlFile(file, text);
      if (yaml.ok) faults.push(yamlFault(yaml.yaml, message, { path: [client, "path"] }));
    }
  }
  const clients = [...byPath.values()].sort((a, b) => specificity(b.path) - specificity(a.path));
  return { clients, faults };
}

/** Ranks exact paths before patterns, and longer ones before shorter ones. */
function specificity(path: string): number {
  return path.endsWith("*") ? path.length : path.length + 10_000;
}
