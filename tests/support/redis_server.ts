/**
 * Real Redis servers for tests: Debian's `redis-server` on free ports of loopback, each in a
 * temporary folder of its own. Where the program is missing, tests are reported as skipped by name;
 * CI counts those as failed (`scripts/run_tests.ts`).
 */

import { freePort } from "./free_port.ts";
import { until } from "./until.ts";

/** How a server is set up; nothing is kept on disk unless asked for. */
export interface RedisServerOptions {
  /** Keeps what it is told across {@link RedisServer.restart}. */
  readonly appendonly?: boolean;
  /** @default {"noeviction"} */
  readonly maxmemoryPolicy?: string;
  /** Further lines of redis.conf, e.g. `requirepass secret`. */
  readonly config?: readonly string[];
  /** Runs it as a Sentinel. */
  readonly sentinel?: boolean;
}

/** Whether there is a Redis to test with. */
export const HAS_REDIS = isInstalled("redis-server");

/** Registers a test that needs Redis. */
export function redisTest(name: string, body: () => void | Promise<void>): void {
  Deno.test({ name, ignore: !HAS_REDIS, fn: body });
}

/** Registers tests that need Redis, or where it is missing one that is skipped in their place. */
export function redisTests(name: string, register: () => void): void {
  if (HAS_REDIS) register();
  else Deno.test({ name, ignore: true, fn: () => {} });
}

/** One server of the tests of a file: started before the first, killed after the last. */
export function sharedRedis(options: RedisServerOptions = {}): () => RedisServer {
  let server: RedisServer | undefined;
  if (HAS_REDIS) {
    Deno.test.beforeAll(async () => {
      server = await startRedis(options);
    });
    Deno.test.afterAll(async () => {
      await server?.[Symbol.asyncDispose]();
    });
  }
  return () => {
    if (server === undefined) throw new Error("Redis is started before the first test");
    return server;
  };
}

/** Starts a server and waits until it answers. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = new RedisServer(await Deno.makeTempDir({ prefix: "redis_" }), options);
  try {
    await server.start();
    return server;
  } catch (thrown) {
    await server[Symbol.asyncDispose]();
    throw thrown;
  }
}

/** A server of its own process. It keeps port and folder when it is started again. */
export class RedisServer implements AsyncDisposable {
  readonly port = freePort();
  readonly folder: string;
  readonly #options: RedisServerOptions;
  #process: Deno.ChildProcess | undefined;

  constructor(folder: string, options: RedisServerOptions) {
    this.folder = folder;
    this.#options = options;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const file = `${this.folder}/redis.conf`;
    if (!(await exists(file))) await Deno.writeTextFile(file, this.#configuration());
    this.#process = new Deno.Command("redis-server", {
      args: this.#options.sentinel ? [file, "--sentinel"] : [file],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await until(`Redis answers at ${this.port}`, () => answers(this.port));
  }

  /** Ends it as an operator would; what it keeps on disk is complete then. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends it and starts it on the same port and folder. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Lets it hang: connections stay open and are accepted, but nothing is answered. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Removes every key, and the scripts that it knows. */
  async flush(): Promise<void> {
    await this.cli("flushall");
    await this.cli("script", "flush");
  }

  /** Runs one command on a connection of its own; the answer as `redis-cli` prints it. */
  async cli(...command: readonly (string | number)[]): Promise<string> {
    const { stdout } = await new Deno.Command("redis-cli", {
      args: ["--raw", "-h", "127.0.0.1", "-p", String(this.port), ...command.map(String)],
    }).output();
    return new TextDecoder().decode(stdout).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.folder, { recursive: true });
  }

  #configuration(): string {
    const { appendonly = false, maxmemoryPolicy, config = [], sentinel } = this.#options;
    return [
      `port ${this.port}`,
      "bind 127.0.0.1",
      `dir ${this.folder}`,
      `logfile ${this.folder}/log`,
      ...sentinel ? [] : [
        'save ""',
        `appendonly ${appendonly ? "yes" : "no"}`,
        `maxmemory-policy ${maxmemoryPolicy ?? "noeviction"}`,
      ],
      ...config,
      "",
    ].join("\n");
  }

  async #end(signal: Deno.Signal): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined) return;
    process.kill(signal);
    // A process that was paused acts on nothing else before it goes on.
    if (signal !== "SIGKILL") process.kill("SIGCONT");
    await process.status;
  }
}

async function answers(port: number): Promise<boolean> {
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode("PING\r\n"));
    const bytes = new Uint8Array(64);
    const count = await connection.read(bytes);
    return /^(\+PONG|-NOAUTH)/.test(new TextDecoder().decode(bytes.subarray(0, count ?? 0)));
  } catch {
    return false;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}

function isInstalled(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
}
