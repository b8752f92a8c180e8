/** The command line as a process, against a service of the test's. */

import { type Ran, runProgram } from "../support/programs.ts";
import type { TestService } from "../support/start_service.ts";

export const ROOT = new URL("../../", import.meta.url);
const MAIN = new URL("cli/main.ts", ROOT).pathname;

/** How a command is run. */
export interface CarillonOptions {
  readonly service?: TestService;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Runs a command with the permissions that its task has. */
export function carillon(
  words: readonly string[],
  { service, env = {}, input }: CarillonOptions = {},
): Promise<Ran> {
  const permissions = ["net", "env", "sys", "read", "write", "run=cat"].map((
    it,
  ) => `--allow-${it}`);
  return runProgram(
    [
      Deno.execPath(),
      "run",
      "--no-prompt",
      "--no-check",
      ...permissions,
      MAIN,
      ...words,
    ],
    {
      cwd: ROOT,
      env: {
        ...service && {
          CARILLON_URL: service.address,
          CARILLON_KEY: service.adminKey,
          CARILLON_CONFIG_DIR: service.configDir,
        },
        ...env,
      },
      ...input !== undefined && { input },
    },
  );
}
