/**
 * Programs that only some machines have, such as a browser. Tests that need one are skipped by name
 * where it is missing; in CI, where a skip is a failure and little is installed, they are left out.
 */

/** Returns the first of these programs that is there, as `--version` or `-v` says. */
export function findProgram(names: readonly string[]): string | undefined {
  return names.find((name) => ["--version", "-v", "version"].some((flag) => answers(name, flag)));
}

function answers(program: string, flag: string): boolean {
  try {
    return new Deno.Command(program, {
      args: [flag],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    })
      .outputSync().success;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** Declares a test for which all of these programs must be there. */
export function optionalTest(
  { name, needs, fn }: {
    readonly name: string;
    readonly needs: readonly (string | undefined)[];
    readonly fn: () => Promise<void>;
  },
): void {
  const ignore = needs.includes(undefined);
  if (ignore && Deno.env.get("CI_REQUIRE_ALL")) return;
  Deno.test({ name, ignore, sanitizeOps: false, sanitizeResources: false, fn });
}

export const NGINX: string | undefined = findProgram(["nginx"]);
export const BROWSER: string | undefined = findProgram([
  "chromium",
  "chromium-browser",
  "google-chrome",
]);
