// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * Runs the tests and prints a last line `N passed, N failed`, counted from the JUnit reports. All of
 * them run folder by folder in two processes, since most wait for the servers that they start, and
 * the output of a folder comes when it has ended. Arguments are passed to one `deno test` instead,
 * e.g. `deno task test tests/core --filter topic`. Lists tests that were skipped because a program is
 * missing; with `CI_REQUIRE_ALL` set they count as failed.
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

const TESTS = "tests";
const PROCESSES = 2;

/** What one process came to. */
interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly string[];
}

const outcomes = Deno.args.length > 0
  ? [await run(Deno.args, { isAlone: true })]
  : await runFolders(foldersOfTests());
const skipped = outcomes.flatMap((each) => each.skipped);
for (const name of skipped) console.log(`skipped: ${name}`);
const missing = Deno.env.get("CI_REQUIRE_ALL") ? skipped.length : 0;
const passed = outcomes.reduce((sum, each) => sum + each.passed, 0);
const bad = outcomes.reduce((sum, each) => sum + each.failed, missing);
console.log(`${passed} passed, ${bad} failed`);
// Not by itself: what a test has left behind may hold a stream open.
Deno.exit(bad > 0 ? 1 : 0);

/** Runs folders in a few processes; each takes the next one when it has ended. */
async function runFolders(folders: string[]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  await Promise.all(Array.from({ length: PROCESSES }, async () => {
    for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
      outcomes.push(await run([folder], { isAlone: false }));
    }
  }));
  return outcomes;
}

/** Returns the folders with tests, the largest first, so that the processes end together. */
function foldersOfTests(): string[] {
  return [...Deno.readDirSync(TESTS)].filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => ({ folder: `${TESTS}/${name}`, bytes: bytesOfTests(`${TESTS}/${name}`) }))
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes)
    .map(({ folder }) => folder);
}

function bytesOfTests(folder: string): number {
  return [...Deno.readDirSync(folder)].reduce((sum, { name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return sum + bytesOfTests(path);
    return name.endsWith("_test.ts") ? sum + Deno.statSync(path).size : sum;
  }, 0);
}

/** Runs `deno test`; its output is shown at once where it is alone, and else when it has ended. */
async function run(
  args: readonly string[],
  { isAlone }: { readonly isAlone: boolean },
): Promise<Outcome> {
  const report = await Deno.makeTempFile({ prefix: "tests_", suffix: ".xml" });
  try {
    const output = isAlone ? "inherit" : "piped";
    const child = new Deno.Command(Deno.execPath(), {
      args: ["test", ...PERMISSIONS, CONFIG, "--unstable-kv", "--unstable-cron"]
        .concat("--junit-path", report, args),
      stdin: "null",
      stdout: output,
      stderr: output,
    }).spawn();
    const chunks: Uint8Array[] = [];
    const reading = isAlone ? [] : [child.stdout, child.stderr].map(async (stream) => {
      for await (const chunk of stream) chunks.push(chunk);
    });
    const { code } = await child.status;
    // A process that a test has left behind may hold them open.
    await Promise.race([Promise.all(reading), new Promise((done) => setTimeout(done, 1_000))]);
    if (!isAlone) console.log(await new Blob(chunks as BlobPart[]).text());
    const xml = await Deno.readTextFile(report);
    const { passed, failed } = count(xml);
    // A file that does not load, or a leak outside any test, fails the run without a failed test.
    const broken = code !== 0 && failed === 0 ? 1 : 0;
    return { passed, failed: failed + broken, skipped: skippedTests(xml) };
  } finally {
    await Deno.remove(report);
  }
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
