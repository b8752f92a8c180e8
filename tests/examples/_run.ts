/** Runs the examples as a reader does: as processes, with a service's address and a key. */

import { until } from "../support/until.ts";

/** The folder of the examples, with a slash at its end. */
export const EXAMPLES = new URL("../../examples/", import.meta.url);

/** A program, its arguments, and the variables that it is given. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Whether a program is there, by its `--version`. */
export function isInstalled(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdin: "null" })
      .outputSync().success;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** Runs it to its end. */
export async function run({ program, args, env }: Command) {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    env: { NO_COLOR: "1", ...env },
    cwd: EXAMPLES,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** A process that goes on until it is disposed of. */
export class Running implements AsyncDisposable {
  /** What it has written to either output. */
  text = "";
  readonly #process: Deno.ChildProcess;
  readonly #done: Promise<unknown>;
  #ended = false;

  constructor({ program, args, env }: Command) {
    this.#process = new Deno.Command(program, {
      args: [...args],
      env: { NO_COLOR: "1", ...env },
      cwd: EXAMPLES,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { stdout, stderr, status } = this.#process;
    this.#done = Promise.all([
      this.#read(stdout),
      this.#read(stderr),
      status.then(() => this.#ended = true),
    ]);
  }

  /** Waits for something to be written. */
  async says(expected: RegExp): Promise<RegExpExecArray> {
    return await until(
      `it says ${expected}, and not only:\n${this.text}`,
      () => {
        const found = expected.exec(this.text);
        if (!found && this.#ended) {
          throw new Error(
            `It ended without ${expected}:\n${this.text}`,
          );
        }
        return found ?? undefined;
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.#process.kill("SIGKILL");
    await this.#done;
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      this.text += part;
    }
  }
}
