/**
 * The transport `apn`: configures its clients and reports what is wrong with those it cannot use.
 * Clients are independent: an invalid entry or file affects no other client, and a reload leaves
 * clients with unchanged options and files alone.
 */

import { createHash } from "node:crypto";
import { ServiceError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Message } from "../../core/message.ts";
import type { MessagePreview } from "../../core/message_preview.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Target } from "../../core/subscription.ts";
import type { ClientFault, ClientStatus, ConfigurableTransport } from "../../core/transport.ts";
import { withLineBreaks } from "../clients/mod.ts";
import { areCertificates, formatDay } from "./certificate.ts";
import { ApnClient, type ApnRuntime } from "./client.ts";
import { type CredentialFault, loadCredential, tlsFault } from "./credentials.ts";
import type { ApnAuth, ApnOptions } from "./settings.ts";

/** Dependencies of {@link createApnTransport}. */
interface ApnTransportOptions extends ApnRuntime {
  /** Reads a file that the options name. Its exception becomes a fault of the client. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
  readonly log: Log;
}

type EnabledOptions = ApnOptions & { readonly auth: ApnAuth };

interface Ready {
  readonly kind: "ready";
  readonly sender: ApnClient;
  /** Of the options and the content of their files. */
  readonly fingerprint: string;
  readonly expiresAt: number | undefined;
}

const PRODUCTION = "https://api.push.apple.com";
const SANDBOX = "https://api.sandbox.push.apple.com";
const DAY_MS = 86_400_000;
const WARN_BEFORE_MS = 30 * DAY_MS;
const ADDRESS = /^(?:[0-9a-f]{2}){4,100}$/;

/** Creates the transport; it has no clients until it is configured. */
export function createApnTransport(
  { readFile, log, ...runtime }: ApnTransportOptions,
): ConfigurableTransport<ApnOptions> {
  return new ApnTransport({ readFile, log, runtime });
}

class ApnTransport implements ConfigurableTransport<ApnOptions> {
  readonly name = "apn";
  readonly traits;
  readonly #readFile: ApnTransportOptions["readFile"];
  readonly #log: Log;
  readonly #runtime: ApnRuntime;
  #clients: ReadonlyMap<string, Ready> = new Map();
  #faults: readonly ClientFault[] = [];
  /** Resolve when replaced clients are closed. */
  readonly #retiring = new Set<Promise<void>>();

  constructor({ readFile, log, runtime }: {
    readonly readFile: ApnTransportOptions["readFile"];
    readonly log: Log;
    readonly runtime: ApnRuntime;
  }) {
    this.#readFile = readFile;
    this.#log = log.with({ transport: this.name });
    this.#runtime = runtime;
    this.traits = { maxPayloadBytes: 4096, maxConcurrent: runtime.engine.maxConcurrent };
  }

  serves(client: string): boolean {
    return this.#clients.has(client);
  }

  parseAddress(_client: string, raw: unknown): string {
    const token = typeof raw === "string" ? raw.trim().toLowerCase() : "";
    if (!ADDRESS.test(token)) {
      throw new ServiceError(
        "invalid_token",
        "Cannot use the token: an APNs device token is 8 to 200 hexadecimal digits, in pairs",
      );
    }
    return token;
  }

  send(target: Target, message: Message, signal: AbortSignal): Outcome | Promise<Outcome> {
    const client = this.#clients.get(target.client);
    if (!client) return { kind: "misconfigured", reason: "the client is not configured" };
    return client.sender.send(target, message, signal);
  }

  preview({ client }: Target, message: Message): MessagePreview | undefined {
    return this.#clients.get(client)?.sender.preview(message);
  }

  status(): readonly ClientStatus[] {
    const ready = [...this.#clients].map(([client, entry]) => this.#statusOf(client, entry));
    const faulty = this.#faults.map(({ client, message }) => ({
      client,
      ready: false,
      detail: message,
    }));
    return [...ready, ...faulty];
  }

  /** Wait for the result before the next call. */
  async configure(clients: ReadonlyMap<string, ApnOptions>): Promise<readonly ClientFault[]> {
    const next = new Map<string, Ready>();
    const faults: ClientFault[] = [];
    for (const [client, { auth, ...options }] of clients) {
      if (!options.enabled || !auth) continue;
      const prepared = await this.#prepare({ ...options, auth }, this.#clients.get(client));
      if (prepared.kind === "ready") next.set(client, prepared);
      else {
        const { file, message } = prepared;
        faults.push({ client, ...file !== undefined && { file }, message });
      }
    }
    const before = this.#clients;
    this.#clients = next;
    this.#faults = faults;
    for (const [client, { sender }] of before) {
      if (next.get(client)?.sender !== sender) this.#retire(sender);
    }
    return faults;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = [...this.#clients.values()].map(({ sender }) => sender[Symbol.asyncDispose]());
    this.#clients = new Map();
    await Promise.all([...open, ...this.#retiring]);
  }

  async #prepare(
    options: EnabledOptions,
    current: Ready | undefined,
  ): Promise<Ready | CredentialFault> {
    const { auth, cafile } = options;
    const keyFile = auth.type === "certificate" ? auth.keystore : auth.privatekey;
    const bytes = await this.#read(keyFile);
    if (!(bytes instanceof Uint8Array)) return bytes;
    const authorities = cafile === undefined ? "" : await this.#readAuthorities(cafile);
    if (typeof authorities !== "string") return authorities;
    const fingerprint = fingerprintOf(options, { bytes, authorities });
    if (current?.fingerprint === fingerprint) return current;
    const loaded = await loadCredential(options, { bytes, nowMs: this.#runtime.clock.now() });
    if (loaded.kind === "fault") return loaded;
    const { credential, topic } = loaded;
    try {
      const sender = new ApnClient({
        origin: options.address ?? (options.production ? PRODUCTION : SANDBOX),
        topic,
        credential,
        caCerts: authorities ? [authorities] : [],
        runtime: this.#runtime,
      });
      const expiresAt = credential.type === "certificate" ? credential.expiresAt : undefined;
      return { kind: "ready", sender, fingerprint, expiresAt };
    } catch (error) {
      return {
        kind: "fault",
        file: keyFile,
        message: `Cannot use the certificate: ${tlsFault(error)}`,
      };
    }
  }

  async #read(file: string): Promise<Uint8Array | CredentialFault> {
    try {
      return await this.#readFile(file);
    } catch (error) {
      const why = error instanceof Error ? error.name : "unknown error";
      return { kind: "fault", file, message: `Cannot read '${file}': ${why}` };
    }
  }

  async #readAuthorities(file: string): Promise<string | CredentialFault> {
    const bytes = await this.#read(file);
    if (!(bytes instanceof Uint8Array)) return bytes;
    const pem = withLineBreaks(new TextDecoder().decode(bytes));
    // The runtime accepts any text here, and then trusts no server.
    if (areCertificates(pem)) return pem;
    return {
      kind: "fault",
      file,
      message: "Cannot use the certificate authorities: expected PEM certificates",
    };
  }

  #retire(sender: ApnClient): void {
    const ended: Promise<void> = sender.retire()
      .catch((error) => this.#log.error("Could not close the connections of a client", { error }))
      .finally(() => this.#retiring.delete(ended));
    this.#retiring.add(ended);
  }

  #statusOf(client: string, { sender, expiresAt }: Ready): ClientStatus {
    const left = expiresAt === undefined ? Infinity : expiresAt - this.#runtime.clock.now();
    const detail = left <= 0
      ? `the certificate expired on ${formatDay(expiresAt!)}`
      : left <= WARN_BEFORE_MS
      ? `the certificate ends on ${formatDay(expiresAt!)}`
      : sender.trouble !== undefined
      ? `refused: ${sender.trouble}`
      : undefined;
    return {
      client,
      ready: left > 0,
      ...detail !== undefined && { detail },
      ...expiresAt !== undefined && { credentialExpiresAt: expiresAt },
    };
  }
}

function fingerprintOf(
  options: EnabledOptions,
  { bytes, authorities }: { readonly bytes: Uint8Array; readonly authorities: string },
): string {
  const text = JSON.stringify([options, authorities]);
  return createHash("sha256").update(text).update(bytes).digest("base64");
}
