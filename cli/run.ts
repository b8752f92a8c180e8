/** Runs one command line and says what the process is to exit with. */

import { messageOf, ServiceError } from "../core/errors.ts";
import { COMMANDS } from "./definitions.ts";
import { isSet } from "./definition.ts";
import type { CliDeps } from "./deps.ts";
import { CliError, type Exit, EXIT_CODES } from "./exit_codes.ts";
import { parse } from "./parser.ts";
import { safeText } from "./safe_text.ts";

/** Follows what is wrong with a command line. */
const HINT = "See 'carillon --help', or docs/cli.md.\n";

/**
 * Runs a command line and returns the exit code of the process. Never rejects for anything that the
 * outside world does.
 */
export async function runCommandLine(
  words: readonly string[],
  deps: CliDeps & {
    /** Takes help and complaints as they are. */
    readonly writeOut: (text: string) => void;
    readonly writeError: (text: string) => void;
  },
): Promise<number> {
  return EXIT_CODES[await exitOf(words, deps)].code;
}

async function exitOf(
  words: readonly string[],
  deps: Parameters<typeof runCommandLine>[1],
): Promise<Exit> {
  const parsed = parse(COMMANDS, words);
  if (parsed.kind === "text") {
    if (!parsed.isError) {
      deps.writeOut(safeText(parsed.text));
      return "ok";
    }
    deps.writeError(safeText(parsed.text) + HINT);
    return "usage";
  }
  const { command, input } = parsed;
  deps.output.isJson = isSet(input, "json");
  try {
    const { default: run } = await command.load!();
    return await run(input, deps) ?? "ok";
  } catch (thrown) {
    if (deps.signal.aborted) return "failed";
    if (thrown instanceof CliError) {
      deps.output.say(thrown.message);
      return thrown.exit;
    }
    if (thrown instanceof ServiceError || thrown instanceof Deno.errors.NotCapable) {
      deps.output.say(messageOf(thrown));
      return "failed";
    }
    throw thrown;
  }
}
