// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * `deno task official-suite <folder>`: runs a checkout of one of the official suites (`test-suite/`
 * of the repositories of engine.io-protocol and socket.io-protocol) against the engine, as their
 * READMEs ask for: on port 3000, with short heartbeats. The rules of the suites are tests here too;
 * this is for who has the originals. Ends as the suite does.
 */

import { serveEcho, serveSocketIo, SHORT } from "./_servers.ts";

const PORT = 3000;
const [folder] = Deno.args;
if (folder === undefined) {
  console.error("Usage: deno task official-suite <folder with the suite's package.json>");
  Deno.exit(2);
}
const { name }: { readonly name?: string } = JSON.parse(
  await Deno.readTextFile(`${folder}/package.json`),
);
await using _served = name?.startsWith("socket.io")
  ? serveSocketIo({ ...SHORT, connectTimeout: 1_000 }, PORT)
  : serveEcho(SHORT, PORT);
await run("install");
Deno.exit(await run("test"));

async function run(command: string): Promise<number> {
  const child = new Deno.Command("npm", { args: [command], cwd: folder! }).spawn();
  return (await child.status).code;
}
