/**
 * Says what of a configuration folder counts here, as lines for a terminal: settings, clients, what is
 * ignored and why, what the original reads in another way, and what stops a start.
 */

import {
  OPTIONS_FILES,
  parseClientOptions,
  pushClientOptions,
  readPushClients,
  reviewConfiguration,
} from "../cascade/mod.ts";
import { type FileFault, placeOf } from "../core/file_fault.ts";
import type { TransportName } from "../core/subscription.ts";
import { apnOptionsSchema } from "../transports/apn/mod.ts";
import { gcmOptionsSchema } from "../transports/gcm/mod.ts";
import { webhookOptionsSchema } from "../transports/webhook/mod.ts";
import { webPushOptionsSchema } from "../transports/webpush/mod.ts";
import { wnsOptionsSchema } from "../transports/wns/mod.ts";

/** What was found in a folder. */
export interface FolderContent {
  /** Path → text of what this service reads. */
  readonly texts: ReadonlyMap<string, string>;
  /** Files and folders that cannot be read, and why; `isOurs`: a start needs them. */
  readonly unreadable: readonly {
    readonly path: string;
    readonly reason: string;
    readonly isOurs: boolean;
  }[];
  /** Files that are not read, by their names. */
  readonly leftOut: readonly string[];
}

/** What there is to say, and whether a start would succeed. */
interface FolderReport {
  readonly lines: readonly string[];
  readonly ok: boolean;
}

const SCHEMAS = {
  apn: apnOptionsSchema,
  gcm: gcmOptionsSchema,
  wns: wnsOptionsSchema,
  webpush: webPushOptionsSchema,
  webhook: webhookOptionsSchema,
} as const;

/** Files that only this service has; a start names what is wrong with them. */
const OWN_FILES = ["pns-websocket-clients.yml", "pns-messages.yml"];

/** Reviews a folder. */
export function reportOn({ texts, unreadable, leftOut }: FolderContent): FolderReport {
  const review = reviewConfiguration(texts);
  const clients = clientsIn(texts);
  const stops = unreadable.filter(({ isOurs }) => isOurs);
  const faults = review.faults.map(line);
  const lines = [
    ...section("Used", [
      ...review.used.map(({ name, value, source }) => `${name} = ${value}   (${source})`),
      ...clients.lines,
      ...OWN_FILES.filter((file) => texts.has(file)).map((file) => `${file}: this service's own`),
    ]),
    ...section("Ignored", [
      ...review.ignored.map(({ file, why }) => `${file}: ${why}`),
      ...leftOut.map((file) => `${file}: not read, by its name`),
      ...unreadable.filter(({ isOurs }) => !isOurs)
        .map(({ path, reason }) => `${path}: cannot be read: ${reason}`),
    ]),
    ...section("Differs from the original", review.differs.map(line)),
    ...section("Warnings", [...review.warnings, ...clients.faults].map(line)),
    ...section("Faults that stop a start", [
      ...faults,
      ...stops.map(({ path, reason }) => `${path}: cannot be read: ${reason}`),
    ]),
  ];
  return { lines, ok: faults.length === 0 && stops.length === 0 };
}

/** The clients of all transports. A faulty one is left out by a start, which is no fault of it. */
function clientsIn(
  texts: ReadonlyMap<string, string>,
): { readonly lines: readonly string[]; readonly faults: readonly FileFault[] } {
  const pushClients = readPushClients(
    [...texts].filter(([path]) => path.startsWith("pushClientConfig/")),
  );
  const lines: string[] = [];
  const faults: FileFault[] = [...pushClients.faults];
  for (const [transport, schema] of Object.entries(SCHEMAS)) {
    const name = transport as keyof typeof SCHEMAS;
    const sources = [OPTIONS_FILES[name], ...name === "apn" ? ["pns-apns_http2-options.yml"] : []];
    for (const file of sources) {
      const read = parseClientOptions<unknown>({ file, text: texts.get(file) ?? "" }, schema);
      lines.push(...clientLines(name, file, read.clients));
      faults.push(...read.faults);
    }
    const newer = pushClientOptions<unknown>(pushClients, { transport: name, schema });
    lines.push(...clientLines(name, "pushClientConfig/", newer.clients));
    faults.push(...newer.faults);
  }
  return { lines, faults };
}

function clientLines(
  transport: TransportName,
  file: string,
  clients: ReadonlyMap<string, unknown>,
): readonly string[] {
  return [...clients.keys()].map((client) => `client '${client}' over ${transport}   (${file})`);
}

function section(title: string, lines: readonly string[]): readonly string[] {
  const shown = lines.length === 0 ? ["nothing"] : lines;
  return [`${title}:`, ...shown.map((line) => `  ${line}`)];
}

function line(fault: FileFault): string {
  return `${placeOf(fault)}: ${fault.message}`;
}
