/** Starts the whole service in the process of the test, with its own port and configuration. */

import { type Clock, systemClock } from "../../core/clock.ts";
import { createYieldToEventLoop } from "../../core/event_loop.ts";
import type { Backend } from "../../service/backend.ts";
import { type Service, startService } from "../../service/start.ts";
import { Api } from "./api.ts";
import { writeConfiguration, writeFolder } from "./configuration.ts";

/** Options of a service under test. */
export interface TestServiceOptions {
  /** Properties besides those for tests (no delay, and a timer frequency of 20 ms). */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
  /** Further files below the configuration folder. */
  readonly files?: Readonly<Record<string, string>>;
  /** All files of the configuration folder, in the place of `properties` and `files`. */
  readonly etc?: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>;
  /** @default {"memory:"} */
  readonly store?: string;
  readonly clock?: Clock;
  readonly port?: number;
  /** Replaces `store`. */
  readonly backend?: Backend;
}

/** The fixed admin key of every service under test. */
export const ADMIN_KEY = "the-admin-key-of-a-test";
/** The HS256 secret of session JWTs. */
export const SESSION_SECRET = "a secret of the tests and of nothing else";

/** A running service, its API, and what it logged. */
export class TestService extends Api implements AsyncDisposable {
  readonly #service: Service;
  #stopped = false;

  constructor(
    service: Service,
    readonly configDir: string,
    readonly log: readonly string[],
  ) {
    super(`http://127.0.0.1:${service.address.port}`, ADMIN_KEY);
    this.#service = service;
  }

  /** Its address as `host:port`. */
  get host(): string {
    return `127.0.0.1:${this.#service.address.port}`;
  }

  get port(): number {
    return this.#service.address.port;
  }

  houseKeep(): Promise<void> {
    return this.#service.runMaintenance();
  }

  /** Resolves when it has stopped. */
  get left(): Promise<void> {
    return this.#service.left;
  }

  /** Stops it as SIGINT does. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#service.stop();
  }

  /** Changes a configuration file; it takes effect with the next reload. */
  async configure(file: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.configDir}/${file}`, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.configDir, { recursive: true });
  }
}

/** Starts a service. */
export async function startTestService(
  { properties = {}, files = {}, store = "memory:", clock = systemClock, port = 0, backend, etc }:
    TestServiceOptions = {},
): Promise<TestService> {
  const configDir = etc ? await writeFolder(etc) : await writeConfiguration(properties, files);
  const log: string[] = [];
  try {
    const service = await startService({
      ...{ host: "127.0.0.1", port, configDir, store },
      ...{ adminKey: ADMIN_KEY, sessionSecret: SESSION_SECRET },
    }, {
      clock,
      random: Math.random,
      yieldToEventLoop: createYieldToEventLoop(systemClock),
      variables: {},
      writeLog: (line) => void log.push(line),
      ...(backend && { backend }),
    });
    return new TestService(service, configDir, log);
  } catch (thrown) {
    await Deno.remove(configDir, { recursive: true });
    throw thrown;
  }
}
