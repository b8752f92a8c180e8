/** Starts the service as a separate process, like `deno task start`, for tests that kill it. */

import { readStartTask } from "../../scripts/start_task.ts";
import { Api } from "./api.ts";
import { writeConfiguration } from "./configuration.ts";
import { freePort } from "./free_port.ts";
import { ADMIN_KEY, SESSION_SECRET } from "./start_service.ts";
import { until } from "./until.ts";

const ROOT = new URL("../../", import.meta.url);

/** How a process came to its end. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How the service is started. */
interface ProcessOptions {
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
  /** Environment variables over those of a test. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** What one start differs in from the others. */
interface StartConditions {
  /** No file may grow beyond this: to the service, the disk is full then. */
  readonly fullAtKiB?: number;
}

/** A service process that can be killed and restarted on the same data. */
export class ServiceProcess extends Api implements AsyncDisposable {
  readonly #folder: string;
  readonly #variables: Readonly<Record<string, string>>;
  #child: Child | undefined;

  constructor(folder: string, port: number, variables: Readonly<Record<string, string>>) {
    super(`http://127.0.0.1:${port}`, ADMIN_KEY);
    this.#folder = folder;
    this.host = `127.0.0.1:${port}`;
    this.#variables = { CARILLON_PORT: String(port), ...variables };
  }

  readonly host: string;

  get configDir(): string {
    return `${this.#folder}/conf`;
  }

  /** What the process that runs now has logged so far. */
  get log(): string {
    return this.#child?.stderr ?? "";
  }

  /** Of the process that runs now. */
  get pid(): number {
    return this.#child!.pid;
  }

  /** Starts it; resolves when it listens. */
  async start({ fullAtKiB }: StartConditions = {}): Promise<void> {
    const child = this.#child = new Child(this.#folder, this.#variables, fullAtKiB);
    await until("the service listens", () => {
      if (child.ended) throw new Error(`The service ended: ${child.stderr}`);
      return child.stdout.includes("is listening at");
    });
  }

  /** Starts it where it is expected to end by itself. */
  async run(): Promise<Ended> {
    this.#child = new Child(this.#folder, this.#variables);
    return await this.#child.end();
  }

  /** Sends a signal and leaves it at that. */
  signal(signal: Deno.Signal): void {
    this.#child!.kill(signal);
  }

  /** Resolves when the process that runs now has come to its end, by whatever means. */
  ended(): Promise<Ended> {
    return this.#child!.end();
  }

  /** Sends a signal and waits for the end. */
  async end(signal: Deno.Signal): Promise<Ended> {
    const child = this.#child!;
    child.kill(signal);
    return await child.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child && !this.#child.ended) await this.end("SIGKILL");
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** One process and what it wrote. */
class Child {
  stdout = "";
  stderr = "";
  ended = false;
  readonly #process: Deno.ChildProcess;
  readonly #done: Promise<Ended>;

  constructor(folder: string, variables: Readonly<Record<string, string>>, fullAtKiB?: number) {
    const deno = ["run", ...START_FLAGS, `--allow-write=${folder}`, "main.ts"];
    const limited = ["-c", LIMITED, Deno.execPath(), String(fullAtKiB! * 2), ...deno];
    this.#process = new Deno.Command(fullAtKiB === undefined ? Deno.execPath() : "/bin/sh", {
      args: fullAtKiB === undefined ? deno : limited,
      cwd: ROOT,
      env: {
        CARILLON_HOST: "127.0.0.1",
        CARILLON_CONFIG_DIR: `${folder}/conf`,
        CARILLON_STORE: `kv:${folder}/data/carillon.kv`,
        CARILLON_ADMIN_KEY: ADMIN_KEY,
        CARILLON_SESSION_SECRET: SESSION_SECRET,
        NO_COLOR: "1",
        ...variables,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const read = Promise.all([
      gather(this.#process.stdout, (text) => this.stdout += text),
      gather(this.#process.stderr, (text) => this.stderr += text),
    ]);
    this.#done = Promise.all([this.#process.status, read]).then(([{ code }]) => {
      this.ended = true;
      return { code, stdout: this.stdout, stderr: this.stderr };
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Leaves a process that has ended by itself as it is. */
  kill(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch (thrown) {
      if (!(thrown instanceof TypeError)) throw thrown;
    }
  }

  end(): Promise<Ended> {
    return this.#done;
  }
}

/** Runs `$0` with what follows the limit, in blocks of 512 bytes; a write beyond it just fails. */
const LIMITED = `trap '' XFSZ; ulimit -f "$1"; shift; exec "$0" "$@"`;

/** What `deno task start` passes, the folder that may be written apart. */
const START_FLAGS = readStartTask(await Deno.readTextFile(new URL("deno.json", ROOT))).flags;

/** Prepares a process without starting it. */
export async function prepareProcess(
  { properties = {}, variables = {} }: ProcessOptions = {},
): Promise<ServiceProcess> {
  const folder = await Deno.makeTempDir({ prefix: "carillon_" });
  await Deno.rename(await writeConfiguration(properties), `${folder}/conf`);
  return new ServiceProcess(folder, freePort(), variables);
}

/** Prepares a process and starts it. */
export async function startProcess(options: ProcessOptions = {}): Promise<ServiceProcess> {
  const process = await prepareProcess(options);
  try {
    await process.start();
    return process;
  } catch (thrown) {
    await process[Symbol.asyncDispose]();
    throw thrown;
  }
}

async function gather(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (text: string) => void,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
}
