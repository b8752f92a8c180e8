/** Runs one command line and says what the process is to exit with. */

import { messageOf, ServiceError } from "../core/errors.ts";
import { COMMANDS } from "./definitions.ts";
import { isSet } from "./definition.ts";
import type { CliDeps } from "./deps.ts";
import { CliError, EXIT_CODES, type ExitCode } from "./exit_codes.ts";
import { parse } from "./parser.ts";
import { safeText } from "./safe_text.ts";

/** Follows what is wrong with a command line. */
const HINT = "See 'carillon --help', or docs/cli.md.\n";

/** Never rejects for anything that the outside world does. */
export async function runCommandLine(
  words: readonly string[],
  deps: CliDeps & {
    /** Takes help and complaints as they are. */
    readonly writeOut: (text: string) => void;
    readonly writeError: (text: string) => void;
  },
): Promise<ExitCode> {
  const parsed = parse(COMMANDS, words);
  if (parsed.kind === "text") {
    if (!parsed.isError) {
      deps.writeOut(safeText(parsed.text));
      return EXIT_CODES.ok.code;
    }
    deps.writeError(safeText(parsed.text) + HINT);
    return EXIT_CODES.usage.code;
  }
  const { command, input } = parsed;
  deps.output.isJson = isSet(input, "json");
  try {
    const { default: run } = await command.load!();
    return await run(input, deps);
  } catch (thrown) {
    if (deps.signal.aborted) return EXIT_CODES.failed.code;
    if (thrown instanceof CliError) {
      deps.output.say(thrown.message);
      return EXIT_CODES[thrown.exit].code;
    }
    if (thrown instanceof ServiceError || thrown instanceof Deno.errors.NotCapable) {
      deps.output.say(messageOf(thrown));
      return EXIT_CODES.failed.code;
    }
    throw thrown;
  }
}
