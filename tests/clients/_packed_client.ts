/** The package of `clients/js` as npm has it: built, packed, and installed into an empty project. */

/** A project that has the package installed. */
export interface Project extends AsyncDisposable {
  readonly folder: string;
  /** Runs a program there. */
  run(program: string, args: readonly string[], env?: Record<string, string>): Promise<string>;
}

const SOURCE = new URL("../../clients/js/", import.meta.url);

/** Packs the client and installs it, together with TypeScript. */
export async function installPacked(): Promise<Project> {
  const root = await Deno.makeTempDir({ prefix: "carillon_client_" });
  const [source, folder] = [`${root}/source`, `${root}/app`];
  await copy(SOURCE.pathname, source);
  const quiet = ["--silent", "--no-audit", "--no-fund"];
  await run(source, { program: "npm", args: ["install", ...quiet] });
  const file = (await run(source, { program: "npm", args: ["pack", "--silent"] })).trim();
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/package.json`, '{ "name": "app", "private": true }\n');
  const packed = `${source}/${file.split("\n").at(-1)}`;
  await run(folder, {
    program: "npm",
    args: ["install", ...quiet, packed, "typescript@5.9.3"],
  });
  return {
    folder,
    run: (program, args, env) => run(folder, { program, args, ...(env && { env }) }),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

async function run(
  cwd: string,
  { program, args, env = {} }: {
    readonly program: string;
    readonly args: readonly string[];
    readonly env?: Record<string, string>;
  },
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    ...{ cwd, env: { NO_COLOR: "1", ...env }, stdin: "null" },
  }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(
    `${program} ${args.join(" ")}: ${decoder.decode(stdout)}${decoder.decode(stderr)}`,
  );
}

/** Copies a folder without what a build leaves there. */
async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (["node_modules", "dist"].includes(name)) continue;
    if (isDirectory) await copy(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
