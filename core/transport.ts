/** The port that every transport implements. */

import type { Message } from "./message.ts";
import type { MessagePreview } from "./message_preview.ts";
import type { Outcome } from "./outcome.ts";
import type { Subscription, Target, TransportName } from "./subscription.ts";

/** The limits of a transport's receiving side. */
export interface TransportTraits {
  /** Bytes of the largest body that it accepts. */
  readonly maxPayloadBytes: number;
  /** The most concurrent sends per client. */
  readonly maxConcurrent: number;
}

/** The state of one client's configuration on one transport. */
export interface ClientStatus {
  readonly client: string;
  readonly ready: boolean;
  /** Why it is not ready, or a warning. Never contains a secret. */
  readonly detail?: string;
  /** Epoch milliseconds at which its credential ends, where that is known. */
  readonly credentialExpiresAt?: number;
  /** Which of the provider's environments, projects or servers it calls. */
  readonly environment?: string;
}

/** The terms on which a transport accepts a subscription. */
export interface SubscriptionTerms {
  /** Epoch milliseconds; absent: as the client asked. */
  readonly expiresAt?: number;
  /** Other users may subscribe the same token. */
  readonly shared?: true;
  /** Maximum number of the user's subscriptions with this client and transport; absent: none. */
  readonly maxPerClient?: number;
}

/** One transport. It has no store, reads no configuration and does not retry. */
export interface Transport extends AsyncDisposable {
  readonly name: TransportName;
  readonly traits: TransportTraits;
  /** Whether this client is configured here, so that a send can be attempted. */
  serves(client: string): boolean;
  /**
   * Checks the address of a new subscription and returns its canonical form.
   *
   * @throws {ServiceError} `invalid_token`, with the reason
   */
  parseAddress(client: string, raw: unknown): string;
  /**
   * Checks a subscription whose address was parsed, and returns its terms. Absent: every
   * subscription is accepted as it is.
   *
   * @throws {ServiceError} `subscription_denied`, with the reason.
   */
  admit?(
    request: Pick<Subscription, "context" | "user" | "client" | "token" | "expiresAt" | "meta">,
  ): SubscriptionTerms | Promise<SubscriptionTerms>;
  /** Makes one attempt. Returns an outcome for every answer of the receiving side. */
  send(target: Target, message: Message, signal: AbortSignal): Outcome | Promise<Outcome>;
  /**
   * Renders a message as {@link send} would, without I/O. Undefined where the client is not
   * configured. Never contains the address.
   */
  preview?(target: Target, message: Message): MessagePreview | undefined;
  /** Returns the state of each configured client, without I/O. */
  status(): readonly ClientStatus[];
}

/** Why one client of a transport could not be configured. Never contains a secret. */
export interface ClientFault {
  readonly client: string;
  /** The faulty file, where it is not the options file itself. */
  readonly file?: string;
  readonly message: string;
}

/** A transport whose per-client options come from a file that may change while it runs. */
export interface ConfigurableTransport<Options> extends Transport {
  /**
   * Prepares every client again, then swaps them all. A client with a bad entry is left out, returned
   * here and shown by `status()`. A client that did not change keeps its connections and tokens.
   */
  configure(clients: ReadonlyMap<string, Options>): Promise<readonly ClientFault[]>;
}
