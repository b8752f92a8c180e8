/**
 * The configured clients of one transport. A new configuration is prepared completely and then
 * replaces the old one in one step. A client with the same options and files keeps its connections
 * and tokens; an invalid one does not affect the others. Independent of any provider.
 */

import type { Message } from "../../core/message.ts";
import type { MessagePreview } from "../../core/message_preview.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Target } from "../../core/subscription.ts";
import type {
  ClientFault,
  ClientStatus,
  ConfigurableTransport,
  Transport,
} from "../../core/transport.ts";

/** A client that can send. Disposing waits for the sends in flight. */
export interface ConfiguredClient extends AsyncDisposable {
  /** What its status says besides that it is ready, such as a warning. */
  readonly state?: Partial<Omit<ClientStatus, "client">> | undefined;
  /** Resolves for every answer of the provider. */
  send(target: Target, message: Message, signal: AbortSignal): Outcome | Promise<Outcome>;
  /** Renders a message for operators, without the address and without sending it. */
  preview(target: Target, message: Message): MessagePreview;
}

/** A client whose options and files have been read, not yet connected. */
export interface PreparedClient<Client> {
  /** Equal where options and the content of all files are equal. May contain secrets. */
  readonly fingerprint: string;
  /** What the status says about where it sends to; follows from options and files. */
  readonly environment?: string;
  /**
   * Called only if the fingerprint is new.
   *
   * @throws {ClientConfigError} where options or files cannot be used.
   */
  readonly open: () => Client | Promise<Client>;
}

/** A client's options, or a file that they name, cannot be used. Contains no secret. */
export class ClientConfigError extends Error {
  override readonly name = "ClientConfigError";
  /** The file at fault; absent where it is the options file. */
  readonly file: string | undefined;

  constructor(message: string, file?: string) {
    super(message);
    this.file = file;
  }
}

/**
 * Checks the options of one client and reads its files.
 *
 * @throws {ClientConfigError} where either cannot be used.
 */
type Prepare<Options, Client> = (options: Options) => Promise<PreparedClient<Client>>;

interface Entry<Client> extends Pick<PreparedClient<Client>, "fingerprint" | "environment"> {
  readonly client: Client;
}

/** The clients of one transport. */
export class ClientSet<
  Options extends { readonly enabled?: boolean },
  Client extends ConfiguredClient,
> implements AsyncDisposable {
  readonly #prepare: Prepare<Options, Client>;
  #entries: ReadonlyMap<string, Entry<Client>> = new Map();
  #faults: readonly ClientFault[] = [];
  /** Resolve when replaced clients are closed. */
  readonly #retiring = new Set<Promise<void>>();
  /** Configurations are applied one after the other, in the order of the calls. */
  #lastConfigure: Promise<unknown> = Promise.resolve();

  constructor(prepare: Prepare<Options, Client>) {
    this.#prepare = prepare;
  }

  /** Creates the transport that sends with these clients. */
  transport(
    { name, traits, parseAddress }: Pick<Transport, "name" | "traits" | "parseAddress">,
  ): ConfigurableTransport<Options> {
    return {
      name,
      traits,
      parseAddress,
      configure: (options) => this.configure(options),
      serves: (client) => this.has(client),
      send: (target, message, signal) =>
        this.get(target.client)?.send(target, message, signal) ??
          { kind: "misconfigured", reason: `the client has no usable ${name} options` },
      preview: (target, message) => this.get(target.client)?.preview(target, message),
      status: () => this.status(),
      [Symbol.asyncDispose]: () => this[Symbol.asyncDispose](),
    };
  }

  get(client: string): Client | undefined {
    return this.#entries.get(client)?.client;
  }

  has(client: string): boolean {
    return this.#entries.has(client);
  }

  /** Returns one status per client, invalid ones included, sorted by name. */
  status(): readonly ClientStatus[] {
    const ready = [...this.#entries].map(([name, { client, environment }]) => ({
      client: name,
      ready: true,
      ...environment !== undefined && { environment },
      ...client.state,
    }));
    const bad = this.#faults.map(({ client, file, message }) => ({
      client,
      ready: false,
      detail: file ? `${file} ${message}` : message,
    }));
    return [...ready, ...bad].sort((a, b) => a.client < b.client ? -1 : 1);
  }

  /** Replaces all clients and returns the faults of those that were left out. */
  configure(clients: ReadonlyMap<string, Options>): Promise<readonly ClientFault[]> {
    const configured = this.#lastConfigure.then(() => this.#replace(clients));
    this.#lastConfigure = configured.catch(() => {});
    return configured;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lastConfigure;
    const entries = this.#entries;
    this.#entries = new Map();
    for (const { client } of entries.values()) this.#retire(client);
    await Promise.all(this.#retiring);
  }

  async #replace(clients: ReadonlyMap<string, Options>): Promise<readonly ClientFault[]> {
    const old = this.#entries;
    const next = new Map<string, Entry<Client>>();
    const faults: ClientFault[] = [];
    for (const [client, options] of clients) {
      if (options.enabled === false) continue;
      try {
        next.set(client, await this.#open(options, old.get(client)));
      } catch (error) {
        if (!(error instanceof ClientConfigError)) throw error;
        const { file, message } = error;
        faults.push({ client, ...file !== undefined && { file }, message });
      }
    }
    this.#entries = next;
    this.#faults = faults;
    for (const [name, { client }] of old) {
      if (next.get(name)?.client !== client) this.#retire(client);
    }
    return faults;
  }

  async #open(options: Options, current: Entry<Client> | undefined): Promise<Entry<Client>> {
    const { open, ...prepared } = await this.#prepare(options);
    return current?.fingerprint === prepared.fingerprint
      ? current
      : { ...prepared, client: await open() };
  }

  /** Closes a client once its sends in flight have ended. */
  #retire(client: Client): void {
    const closing = Promise.resolve(client[Symbol.asyncDispose]())
      .finally(() => this.#retiring.delete(closing));
    this.#retiring.add(closing);
  }
}
