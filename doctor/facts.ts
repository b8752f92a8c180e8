/** What the probes gather and the checks judge. Whatever could not be learnt is absent. */

import type { BuiltConfiguration } from "../cascade/configuration.ts";
import type { FileFault } from "../core/file_fault.ts";
import type { Outcome } from "../core/outcome.ts";
import type { ClientStatus } from "../core/transport.ts";
import type { findingsOf } from "../redis/link/server_check.ts";
import type { FileDamage } from "../store/file_check.ts";
import type { MetricsText } from "./prometheus_text.ts";

/** The configuration folder, and the environment that overrules it. */
export interface ConfigurationFacts {
  readonly folder: string;
  readonly built: BuiltConfiguration;
  /** Faults of entries in options files. */
  readonly clientFaults: readonly FileFault[];
  readonly variables: Readonly<Record<string, string>>;
  readonly port: number;
}

/** One client of one provider. */
export interface CredentialFacts {
  readonly transport: string;
  readonly status: ClientStatus;
  /** What the provider said to a message for an address that no device has. */
  readonly dryRun?: Outcome;
}

/** What a receiver of webhooks said to a request that is none: a status, or why there is none. */
export interface WebhookAnswer {
  readonly status?: number;
  readonly fault?: string;
}

/** One receiver of webhooks. Paths may contain secrets, so only its origin is here. */
export interface WebhookFacts {
  readonly client: string;
  /** Somebody may subscribe with it. */
  readonly isEnabled: boolean;
  readonly isAuthenticated: boolean;
  /** Options without which another one has no effect. */
  readonly missing: readonly string[];
  /** Characters. */
  readonly shortestSecret?: number;
  /** Absent where each subscription names its own address. */
  readonly origin?: string;
  /** Why the transport does not call it. */
  readonly addressFault?: string;
  readonly answer?: WebhookAnswer;
}

/** A file that holds a secret. */
export interface SecretFile {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
}

/** The data file and where it lies. */
export interface DataFileFacts {
  readonly kind: "file";
  readonly path: string;
  /** Why the folder cannot be written; absent where it can. */
  readonly writeFault?: string;
  readonly freeBytes?: number;
  readonly damage: readonly FileDamage[];
}

/** What one server of a Redis says of itself. */
export type RedisServerFacts = Parameters<typeof findingsOf>[0];

/** The servers of a Redis. */
export interface RedisFacts {
  readonly kind: "redis";
  /** Why it cannot be reached. */
  readonly fault?: string;
  readonly servers: readonly RedisServerFacts[];
}

/** A clock that was read beside this machine's. */
export interface ClockFacts {
  readonly whose: string;
  /** Milliseconds that it is ahead of this machine's clock. */
  readonly aheadMs: number;
  /** By how much the reading may be wrong. */
  readonly withinMs: number;
}

/** How the stream of server-sent events arrives. */
export type StreamFacts =
  | { readonly kind: "sound" }
  /** The event `ready`, or the comment after a ping interval, did not come within so many ms. */
  | { readonly kind: "held"; readonly what: "ready" | "comment"; readonly withinMs: number }
  /** The stream ended before the comment. */
  | { readonly kind: "closed"; readonly withinMs: number };

/** The service as its clients reach it. */
export interface ProxyFacts {
  readonly address: string;
  /** Why nothing answers; all else is absent then. */
  readonly fault?: string;
  /** Status of a handshake with the origin of the address itself. */
  readonly ownOrigin?: number;
  /** Status of one with the origin that was asked for. */
  readonly otherOrigin?: { readonly origin: string; readonly status: number };
  /** Path → status of a WebSocket handshake there; 101 where it was upgraded. */
  readonly upgrades?: Readonly<Record<string, number>>;
  readonly pingIntervalMs?: number;
  /** After how long (ms) an idle socket was closed; `open` where it was not. */
  readonly idle?: number | "open";
  /** Absent where no stream is offered. */
  readonly stream?: StreamFacts;
}

/** One node, past the proxy. */
export interface NodeProbe {
  readonly address: string;
  readonly fault?: string;
  readonly ready?: boolean;
  /** Names of checks of `/readyz` that fail, with their detail. */
  readonly failing?: readonly string[];
  readonly version?: string;
  readonly store?: string;
}

/** Limits of a process. */
export interface ProcessFacts {
  readonly openFiles: number;
}

/** Everything. */
export interface Facts {
  readonly configuration: ConfigurationFacts;
  readonly credentials: readonly CredentialFacts[];
  readonly webhooks: readonly WebhookFacts[];
  readonly secretFiles: readonly SecretFile[];
  readonly store?: DataFileFacts | RedisFacts;
  /** Why the address of the store is none. */
  readonly storeFault?: string;
  readonly clocks: readonly ClockFacts[];
  readonly proxy?: ProxyFacts;
  readonly nodes: readonly NodeProbe[];
  readonly process?: ProcessFacts;
  readonly metrics?: MetricsText;
  /** Epoch milliseconds. */
  readonly now: number;
}
