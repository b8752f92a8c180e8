/** A start downloads every package of `deno.lock`, so it lists what the product needs and no more. */

import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);

interface Config {
  readonly imports: Readonly<Record<string, string>>;
  readonly compilerOptions: unknown;
  readonly unstable: unknown;
  readonly tasks: Readonly<Record<string, string | { readonly command: string }>>;
}

/** A package with its version and peers → what it is checked by. */
type Packages = Readonly<Record<string, { readonly integrity: string }>>;

async function read<T>(path: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(new URL(path, ROOT)));
}

async function packagesIn(lock: string): Promise<Packages> {
  return (await read<{ npm: Packages }>(lock)).npm;
}

/** The packages that a file of the product leads to. */
async function packagesOf(entry: string): Promise<readonly string[]> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
    cwd: ROOT,
    stdin: "null",
  }).output();
  assert.ok(success, entry);
  const { npmPackages, modules } = JSON.parse(new TextDecoder().decode(stdout));
  const used = new Set<string>();
  function add(name: string): void {
    if (used.has(name)) return;
    used.add(name);
    npmPackages[name].dependencies.forEach(add);
  }
  for (const { npmPackage } of modules) if (npmPackage !== undefined) add(npmPackage);
  return [...used];
}

Deno.test("deno.lock has the packages that the product's commands need, and no more", async () => {
  const { tasks } = await read<Config>("deno.json");
  const commands = ["start", "carillon", "simulate", "demo"].map((name) => {
    const { command } = tasks[name] as { readonly command: string };
    return command.split(" ").findLast((word) => word.endsWith(".ts"))!;
  });
  const needed = new Set((await Promise.all(commands.map(packagesOf))).flat());
  const locked = Object.keys(await packagesIn("deno.lock"));
  assert.deepEqual(locked.toSorted(), [...needed].toSorted());
});

Deno.test("the tests run with the product's packages, and add their own", async () => {
  const [product, tests] = await Promise.all([
    read<Config>("deno.json"),
    read<Config>("tests/deno.json"),
  ]);
  assert.deepEqual({ ...tests.imports, ...product.imports }, tests.imports);
  assert.deepEqual(tests.compilerOptions, product.compilerOptions);
  assert.deepEqual(tests.unstable, product.unstable);
  const [locked, lockedForTests] = await Promise.all([
    packagesIn("deno.lock"),
    packagesIn("tests/deno.lock"),
  ]);
  for (const [name, { integrity }] of Object.entries(locked)) {
    assert.equal(lockedForTests[name]?.integrity, integrity, name);
  }
});
