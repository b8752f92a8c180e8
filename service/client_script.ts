/** Reads the files of Socket.IO's client for browsers, which are in the package of its server. */

const FOLDER = new URL("./client-dist/", import.meta.resolve("socket.io"));

/** Reads one of them by its name. */
export function readClientScript(name: string): Promise<string> {
  return Deno.readTextFile(new URL(name, FOLDER));
}
