/**
 * `deno task carillon <command>`: the command line for operators. `definitions.ts` has the
 * commands; this file hands in the process.
 */

import { systemClock } from "../core/clock.ts";
import { Output } from "./output.ts";
import { readSecret } from "./read_secret.ts";
import { runCommandLine } from "./run.ts";

const encoder = new TextEncoder();
const aborter = new AbortController();
// A second Ctrl-C ends the process at once.
Deno.addSignalListener("SIGINT", stop);

function stop(): void {
  Deno.removeSignalListener("SIGINT", stop);
  aborter.abort();
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
  } catch (thrown) {
    // The program that read the output, such as `head`, has ended.
    if (thrown instanceof Deno.errors.BrokenPipe) Deno.exit(0);
    throw thrown;
  }
}

const streams = {
  writeOut: (text: string) => writeAll(Deno.stdout, text),
  writeError: (text: string) => writeAll(Deno.stderr, text),
  isTerminal: Deno.stdout.isTerminal(),
  isErrorTerminal: Deno.stderr.isTerminal(),
};

const code = await runCommandLine(Deno.args, {
  variables: Deno.env.toObject(),
  output: new Output(streams),
  fetch,
  clock: systemClock,
  random: Math.random,
  signal: aborter.signal,
  readSecret,
  ...streams,
});
Deno.exit(code);
