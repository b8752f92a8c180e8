/**
 * Loads the credentials of every client as the service does and, where that was asked for, sends
 * each provider a message for an address that no device has. Nobody is pushed to; what the provider
 * says to it tells whether it takes the credential.
 */

import { isAbsolute, join } from "node:path";
import type { Clock } from "../../core/clock.ts";
import type { Message } from "../../core/message.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { ConfigurableTransport } from "../../core/transport.ts";
import { createApnTransport } from "../../transports/apn/mod.ts";
import { createGcmTransport } from "../../transports/gcm/mod.ts";
import { createFetchEngine } from "../../transports/http/mod.ts";
import { createWebPushTransport } from "../../transports/webpush/mod.ts";
import { createWnsTransport } from "../../transports/wns/mod.ts";
import type { CredentialFacts, SecretFile } from "../facts.ts";
import type { ReadConfiguration } from "./configuration.ts";

/** What probing takes. */
interface ProviderProbeOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch;
  readonly dryRun: boolean;
}

const TIMEOUT_MS = 10_000;
/** 32 bytes that Apple gave to no device. */
const NO_DEVICE = "00".repeat(32);
/** Options that name a file with a secret. */
const SECRET_FILES = ["keystore", "privatekey", "serviceaccount"] as const;

const PROVIDERS = ["apn", "gcm", "wns", "webpush"] as const;
type ProviderName = typeof PROVIDERS[number];

/** Probes all clients of all providers. */
export async function probeProviders(
  { clients: all }: Pick<ReadConfiguration, "clients">,
  options: ProviderProbeOptions,
): Promise<readonly CredentialFacts[]> {
  const transports = createTransports(options);
  try {
    const found = await Promise.all(PROVIDERS.map(async (name) => {
      const { clients } = all[name];
      const transport = transports[name] as ConfigurableTransport<never>;
      await transport.configure(clients as never);
      return await Promise.all(
        transport.status().map(async (status): Promise<CredentialFacts> => {
          const asked = options.dryRun && status.ready;
          const entry = clients.get(status.client) as { readonly hosts?: readonly string[] };
          const dryRun = asked
            ? await ask(transport, { client: status.client, hosts: entry.hosts ?? [] })
            : undefined;
          return { transport: name, status, ...dryRun !== undefined && { dryRun } };
        }),
      );
    }));
    return found.flat();
  } finally {
    await Promise.all(Object.values(transports).map((each) => each[Symbol.asyncDispose]()));
  }
}

/** Files with secrets that the options name, with who may read them. */
export async function probeSecretFiles(
  { clients: all }: Pick<ReadConfiguration, "clients">,
  { folder }: Pick<ProviderProbeOptions, "folder">,
): Promise<readonly SecretFile[]> {
  const paths = new Set<string>();
  for (const { clients } of Object.values(all)) {
    for (const options of clients.values()) {
      for (const text of texts(options as Readonly<Record<string, unknown>>)) {
        paths.add(resolveIn(folder, text));
      }
    }
  }
  const found = await Promise.all([...paths].map(async (path): Promise<SecretFile | undefined> => {
    const info = await Deno.stat(path).catch(() => undefined);
    return info?.isFile && info.mode !== null ? { path, mode: info.mode & 0o777 } : undefined;
  }));
  return found.filter((file) => file !== undefined);
}

function texts(options: Readonly<Record<string, unknown>>): readonly string[] {
  const { auth = {} } = options as { readonly auth?: Readonly<Record<string, unknown>> };
  return SECRET_FILES.map((name) => options[name] ?? auth[name])
    // The key pair of Web Push stands in the file itself.
    .filter((value): value is string => typeof value === "string" && /[/.]/.test(value));
}

function createTransports({ folder, clock, fetch }: ProviderProbeOptions) {
  const common = {
    clock,
    fetch,
    engine: createFetchEngine({ fetch, createHttpClient: Deno.createHttpClient, clock }),
    createHttpClient: Deno.createHttpClient,
    readTextFile: (path: string) => Deno.readTextFile(resolveIn(folder, path)),
  };
  const readFile = (path: string) => Deno.readFile(resolveIn(folder, path));
  return {
    apn: createApnTransport({ ...common, readFile }),
    gcm: createGcmTransport(common),
    wns: createWnsTransport(common),
    webpush: createWebPushTransport({ ...common, resolve: () => Promise.resolve([]) }),
  } satisfies Record<ProviderName, unknown>;
}

/** Nothing for Web Push: without a subscription there is no push service to ask. */
async function ask(
  transport: ConfigurableTransport<never>,
  { client, hosts }: { readonly client: string; readonly hosts: readonly string[] },
): Promise<Outcome | undefined> {
  if (transport.name === "webpush") return undefined;
  const token = {
    apn: NO_DEVICE,
    gcm: "carillon-doctor-dry-run",
    wns: `https://${hosts[0] ?? "db5p.notify.windows.com"}/?token=carillon-doctor-dry-run`,
  }[transport.name as "apn" | "gcm" | "wns"];
  const message: Message = {
    id: crypto.randomUUID(),
    ...{ topic: "carillon:test", data: {}, priority: "high", silent: false },
    ...{ title: "Carillon", body: "A dry run" },
  };
  const target = {
    ...{ context: "carillon-doctor", user: "dry-run", client, token },
    ...{ transport: transport.name, subscriptionId: "dry-run", refreshedAt: 0 },
  };
  const outcome = await transport.send(target, message, AbortSignal.timeout(TIMEOUT_MS));
  return outcome;
}

function resolveIn(folder: string, path: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}
