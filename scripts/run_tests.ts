// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * Runs the tests and prints a last line `N passed, N failed`, counted from the JUnit report. Arguments
 * are passed to `deno test`, e.g. `deno task test tests/core --filter topic`. Lists tests that were
 * skipped because a program is missing; with `CI_REQUIRE_ALL` set they count as failed.
 */

/** For servers on loopback, temporary files, and processes of the service. */
const PERMISSIONS = [
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
  "--allow-run",
];

/** Lists the product's packages and those that only tests use. */
const CONFIG = "--config=tests/deno.json";

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

const report = await Deno.makeTempFile({ prefix: "tests_", suffix: ".xml" });
try {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["test", ...PERMISSIONS, CONFIG, "--unstable-kv", "--unstable-cron"]
      .concat("--junit-path", report)
      .concat(Deno.args.length > 0 ? Deno.args : ["tests/"]),
    stdin: "null",
  }).spawn().status;
  const xml = await Deno.readTextFile(report);
  const { passed, failed } = count(xml);
  const skipped = skippedTests(xml);
  for (const name of skipped) console.log(`skipped: ${name}`);
  const missing = Deno.env.get("CI_REQUIRE_ALL") ? skipped.length : 0;
  // A file that does not load, or a leak outside any test, fails the run without a failed test.
  const broken = code !== 0 && failed === 0 ? 1 : 0;
  const bad = failed + missing + broken;
  console.log(`${passed} passed, ${bad} failed`);
  Deno.exitCode = bad > 0 ? 1 : 0;
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

/** Returns the names of the skipped tests. */
function skippedTests(xml: string): readonly string[] {
  const cases = xml.matchAll(/<testcase name="([^"]*)"[^>]*>\s*<skipped\/>/g);
  return [...cases].map(([, name]) =>
    name!.replace(/&(\w+);/g, (text, entity) => ENTITIES[entity] ?? text)
  );
}

function attribute(tag: string, name: string): number {
  return Number(new RegExp(` ${name}="(\\d+)"`).exec(tag)?.[1] ?? 0);
}
