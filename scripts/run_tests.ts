// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * Runs the tests and closes with a plain line `N passed, N failed`, counted from the JUnit report.
 * Arguments are passed on to `deno test`, e.g. `deno task test tests/core --filter topic`.
 */

/** What the tests need: servers on loopback, temporary files, and processes of the service. */
const PERMISSIONS = [
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
  "--allow-run",
];

const report = await Deno.makeTempFile({ prefix: "tests_", suffix: ".xml" });
try {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["test", ...PERMISSIONS, "--unstable-kv", "--unstable-cron", "--junit-path", report]
      .concat(Deno.args.length > 0 ? Deno.args : ["tests/"]),
    stdin: "null",
  }).spawn().status;
  const { passed, failed } = count(await Deno.readTextFile(report));
  // A file that does not load, or a leak outside any test, fails the run without a failed test.
  const broken = code !== 0 && failed === 0 ? 1 : 0;
  console.log(`${passed} passed, ${failed + broken} failed`);
  Deno.exitCode = failed + broken > 0 ? 1 : 0;
} finally {
  await Deno.remove(report);
}

function count(xml: string): { readonly passed: number; readonly failed: number } {
  let passed = 0;
  let failed = 0;
  for (const [suite] of xml.matchAll(/<testsuite [^>]*>/g)) {
    const bad = attribute(suite, "failures") + attribute(suite, "errors");
    failed += bad;
    passed += attribute(suite, "tests") - attribute(suite, "disabled") - bad;
  }
  return { passed, failed };
}

function attribute(tag: string, name: string): number {
  return Number(new RegExp(` ${name}="(\\d+)"`).exec(tag)?.[1] ?? 0);
}
