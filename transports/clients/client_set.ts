/**
 * The configured clients of one transport and how a new configuration replaces the old: all are
 * prepared first, then swapped in one step. One whose options and files are the same keeps its
 * connections and tokens; one that is bad takes nobody else down. Knows nothing of any provider.
 */

import type { Message } from "../../core/message.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Target } from "../../core/subscription.ts";
import type { ClientFault, ClientStatus } from "../../core/transport.ts";

/** One client that can be sent for. Disposing waits for what is under way. */
export interface ConfiguredClient extends AsyncDisposable {
  /** What an operator should know although it can be used. */
  readonly warning?: string | undefined;
  /** Resolves for every answer that the far side can give. */
  send(target: Target, message: Message, signal: AbortSignal): Outcome | Promise<Outcome>;
}

/** A client whose options and files have been checked, not yet connected. */
export interface PreparedClient<Client> {
  /** Equal where options and the content of all files are equal. May hold secrets. */
  readonly fingerprint: string;
  /** Does nothing that can fail for reasons of configuration. */
  readonly open: () => Client;
}

/** A client's entry, or a file that it names, cannot be used. Quotes no secret. */
export class ClientConfigError extends Error {
  override readonly name = "ClientConfigError";
  /** The file that is wrong, where it is not the options file itself. */
  readonly file: string | undefined;

  constructor(message: string, file?: string) {
    super(message);
    this.file = file;
  }
}

/**
 * Checks one client's entry and reads its files.
 *
 * @throws {ClientConfigError} where either cannot be used.
 */
type Prepare<Options, Client> = (options: Options) => Promise<PreparedClient<Client>>;

interface Entry<Client> {
  readonly fingerprint: string;
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
  /** Closing of clients that were replaced. */
  readonly #retiring = new Set<Promise<void>>();
  /** Configurations are taken one after the other, in the order they came. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(prepare: Prepare<Options, Client>) {
    this.#prepare = prepare;
  }

  get(client: string): Client | undefined {
    return this.#entries.get(client)?.client;
  }

  has(client: string): boolean {
    return this.#entries.has(client);
  }

  /** One entry per client, bad ones included, in the order of their names. */
  status(): readonly ClientStatus[] {
    const ready = [...this.#entries].map(([name, { client: { warning } }]) => ({
      client: name,
      ready: true,
      ...warning !== undefined && { detail: warning },
    }));
    const bad = this.#faults.map(({ client, file, message }) => ({
      client,
      ready: false,
      detail: file ? `${file} ${message}` : message,
    }));
    return [...ready, ...bad].sort((a, b) => a.client < b.client ? -1 : 1);
  }

  /** Replaces all clients and returns what was wrong with those that were left out. */
  configure(clients: ReadonlyMap<string, Options>): Promise<readonly ClientFault[]> {
    const turn = this.#turn.then(() => this.#replace(clients));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    const entries = this.#entries;
    this.#entries = new Map();
    for (const { client } of entries.values()) this.#retire(client);
    await Promise.all(this.#retiring);
  }

  async #replace(clients: ReadonlyMap<string, Options>): Promise<readonly ClientFault[]> {
    const prepared = new Map<string, PreparedClient<Client>>();
    const faults: ClientFault[] = [];
    for (const [client, options] of clients) {
      if (options.enabled === false) continue;
      try {
        prepared.set(client, await this.#prepare(options));
      } catch (error) {
        if (!(error instanceof ClientConfigError)) throw error;
        const { file, message } = error;
        faults.push({ client, ...file !== undefined && { file }, message });
      }
    }
    this.#swap(prepared, faults);
    return faults;
  }

  #swap(
    prepared: ReadonlyMap<string, PreparedClient<Client>>,
    faults: readonly ClientFault[],
  ): void {
    const old = this.#entries;
    const next = new Map<string, Entry<Client>>();
    for (const [name, { fingerprint, open }] of prepared) {
      const kept = old.get(name);
      next.set(name, kept?.fingerprint === fingerprint ? kept : { fingerprint, client: open() });
    }
    this.#entries = next;
    this.#faults = faults;
    for (const [name, { client }] of old) {
      if (next.get(name)?.client !== client) this.#retire(client);
    }
  }

  /** Ends by itself once what is under way has been answered or has timed out. */
  #retire(client: Client): void {
    const closing = Promise.resolve(client[Symbol.asyncDispose]())
      .finally(() => this.#retiring.delete(closing));
    this.#retiring.add(closing);
  }
}
