/**
 * Real Redis servers for tests: Debian's `redis-server` on free ports of loopback, each in a
 * temporary folder of its own. `CARILLON_TEST_REDIS` names another program to run in its place, e.g.
 * `valkey-server`. Where there is none, tests are reported as skipped by name; CI counts those as
 * failed (`scripts/run_tests.ts`).
 */

import { exists } from "./exists.ts";
import { freePort } from "./free_port.ts";
import { until } from "./until.ts";

/** The set-up of a server. Nothing is stored on disk by default. */
export interface RedisServerOptions {
  /** Keeps its data across {@link RedisServer.restart}. */
  readonly appendonly?: boolean;
  /** @default {"noeviction"} */
  readonly maxmemoryPolicy?: string;
  /** Further lines of redis.conf, e.g. `requirepass secret`. */
  readonly config?: readonly string[];
  /** Runs it as a Sentinel. */
  readonly sentinel?: boolean;
  /** Runs it as a node of a Cluster. */
  readonly cluster?: boolean;
}

const PROGRAM = Deno.env.get("CARILLON_TEST_REDIS") ?? "redis-server";

/** Whether there is a Redis to test with. */
export const HAS_REDIS = isInstalled(PROGRAM);

/** Another process may take a port between its choice and the start. */
const ATTEMPTS = 3;

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

/** Starts a server and waits until it answers; on other ports where it ends at once. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  for (let attempt = 1;; attempt++) {
    const server = new RedisServer(await Deno.makeTempDir({ prefix: "redis_" }), options);
    try {
      await server.start();
      return server;
    } catch (thrown) {
      await server[Symbol.asyncDispose]();
      if (!(thrown instanceof EndedAtOnce) || attempt === ATTEMPTS) throw thrown;
    }
  }
}

/** The error of a server that ended before it answered; the message is its log. */
class EndedAtOnce extends Error {
  override readonly name = "EndedAtOnce";
}

/** A running server. It has the same port and folder after a restart. */
export class RedisServer implements AsyncDisposable {
  readonly port = freePort();
  /** Where the nodes of a Cluster talk to each other. */
  readonly busPort = freePort();
  readonly folder: string;
  readonly #options: RedisServerOptions;
  #process: Process | undefined;

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
    const process = spawn(this.#options.sentinel ? [file, "--sentinel"] : [file]);
    this.#process = process;
    await until(
      `Redis answers at ${this.port}`,
      () => process.hasEnded || answers(this.port),
    );
    if (process.hasEnded) {
      const said = [await process.errors, await this.#log()].join("\n");
      throw new EndedAtOnce(`Redis at ${this.port} ended at once:\n${said}`);
    }
  }

  /** Shuts it down cleanly; its data on disk is complete then. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Kills it with SIGKILL. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends it and starts it on the same port and folder. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Pauses it: connections stay open and are accepted, but nothing is answered. */
  pause(): void {
    this.#process?.child.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.child.kill("SIGCONT");
  }

  /** Deletes every key and all cached scripts. */
  async flush(): Promise<void> {
    await this.cli("flushall");
    await this.cli("script", "flush");
  }

  /** Runs one command on a new connection; returns the reply as `redis-cli` prints it. */
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
    const { appendonly = false, maxmemoryPolicy, config = [], sentinel, cluster } = this.#options;
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
      ...cluster ? ["cluster-enabled yes", `cluster-port ${this.busPort}`] : [],
      ...config,
      "",
    ].join("\n");
  }

  async #end(signal: Deno.Signal): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined || process.hasEnded) return;
    process.child.kill(signal);
    // A process that was paused acts on nothing else before it goes on.
    if (signal !== "SIGKILL") process.child.kill("SIGCONT");
    await Promise.all([process.child.status, process.errors]);
  }

  async #log(): Promise<string> {
    const file = `${this.folder}/log`;
    return await exists(file) ? await Deno.readTextFile(file) : "";
  }
}

interface Process {
  readonly child: Deno.ChildProcess;
  /** What it had to say before it knew its log, or about its configuration. */
  readonly errors: Promise<string>;
  hasEnded: boolean;
}

function spawn(args: string[]): Process {
  const child = new Deno.Command(PROGRAM, { args, stdin: "null", stdout: "null", stderr: "piped" })
    .spawn();
  const process: Process = {
    child,
    errors: new Response(child.stderr).text(),
    hasEnded: false,
  };
  void child.status.then(() => process.hasEnded = true);
  return process;
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

function isInstalled(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
}
