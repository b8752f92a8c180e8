/** The port that every way out of the service implements. */

import type { Message } from "./message.ts";
import type { Outcome } from "./outcome.ts";
import type { Subscription, Target, TransportName } from "./subscription.ts";

/** What the far side can do; the pipeline reads these instead of asking. */
export interface TransportTraits {
  /** Bytes of the largest body the far side takes. */
  readonly maxPayloadBytes: number;
  /** Sends under way at once per client that still make sense. */
  readonly maxConcurrent: number;
}

/** Health of one client's configuration on one transport. */
export interface ClientStatus {
  readonly client: string;
  readonly ready: boolean;
  /** Why it is not ready, or a warning. Never contains a secret. */
  readonly detail?: string;
  /** Epoch milliseconds at which its credential ends, where that is known. */
  readonly credentialExpiresAt?: number;
}

/** What a transport says of a subscription before it is stored. */
export interface SubscriptionTerms {
  /** Epoch milliseconds; absent: as the client asked. */
  readonly expiresAt?: number;
  /** Other users may subscribe the same token. */
  readonly shared?: true;
  /** How many subscriptions with this client and transport the user may have; absent: any number. */
  readonly maxPerClient?: number;
}

/** One way out of the service. Holds no store, no configuration lookup, no retry loop. */
export interface Transport extends AsyncDisposable {
  readonly name: TransportName;
  readonly traits: TransportTraits;
  /** Whether this client is configured here, so that a send can be tried at all. */
  serves(client: string): boolean;
  /**
   * The canonical form of an address, checked when a client subscribes.
   *
   * @throws {ServiceError} `invalid_token`, with the reason.
   */
  parseAddress(client: string, raw: unknown): string;
  /**
   * Checks a subscription whose address was parsed, and returns its terms. Absent: every
   * subscription is accepted as it is.
   *
   * @throws {ServiceError} `subscription_denied`, with the reason.
   */
  admit?(
    wish: Pick<Subscription, "context" | "user" | "client" | "token" | "expiresAt" | "meta">,
  ): SubscriptionTerms | Promise<SubscriptionTerms>;
  /** One attempt. Resolves for every answer that the far side can give. */
  send(target: Target, message: Message, signal: AbortSignal): Outcome | Promise<Outcome>;
  /** Cheap and local; one entry per configured client. */
  status(): readonly ClientStatus[];
}

/** Why one client of a transport could not be configured. Never contains a secret. */
export interface ClientFault {
  readonly client: string;
  /** The file that is wrong, where it is not the options file itself. */
  readonly file?: string;
  readonly message: string;
}

/** A transport whose per-client options come from a file that may change while it runs. */
export interface ConfigurableTransport<Options> extends Transport {
  /**
   * Prepares every client anew, then swaps. A client whose entry is bad is left out, reported
   * here and shown by `status()`; one that did not change keeps its connections and tokens.
   */
  configure(clients: ReadonlyMap<string, Options>): Promise<readonly ClientFault[]>;
}
