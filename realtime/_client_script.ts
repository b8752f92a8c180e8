/**
 * The client of Socket.IO for pages, at the addresses where a stock Socket.IO server has it
 * (`serveClient`), so that a page needs no other server to load it from.
 */

import { hash } from "node:crypto";

/** Reads a file of the client's that is ready for browsers, by its name. */
export type ReadClientScript = (name: ClientScriptName) => Promise<string>;

/** The files that are served. */
type ClientScriptName = "socket.io.min.js" | "socket.io.esm.min.js";

const SCRIPTS: Readonly<Record<string, ClientScriptName>> = {
  "/socket.io/socket.io.min.js": "socket.io.min.js",
  "/socket.io/socket.io.esm.min.js": "socket.io.esm.min.js",
};

/** Answers requests for the client. Each file is read once. */
export class ClientScripts {
  readonly #read: ReadClientScript;
  readonly #known = new Map<ClientScriptName, Promise<Script>>();

  constructor(read: ReadClientScript) {
    this.#read = read;
  }

  /** Answers a request; `undefined` where the path is none of a script. */
  answer(request: Request, pathname: string): Promise<Response> | undefined {
    const name = Object.hasOwn(SCRIPTS, pathname) ? SCRIPTS[pathname] : undefined;
    if (!name || request.method !== "GET" && request.method !== "HEAD") return undefined;
    let script = this.#known.get(name);
    if (!script) {
      script = this.#read(name).then(scriptOf);
      this.#known.set(name, script);
      // Read again by the next request.
      script.catch(() => this.#known.delete(name));
    }
    return script.then((script) => responseOf(request, script));
  }
}

interface Script {
  readonly text: string;
  readonly etag: string;
}

function scriptOf(source: string): Script {
  // Its source map is not served.
  const text = source.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
  return { text, etag: `"${hash("sha256", text, "base64url").slice(0, 22)}"` };
}

function responseOf(request: Request, { text, etag }: Script): Response {
  const headers = {
    "content-type": "text/javascript; charset=utf-8",
    // As the stock server: kept, and asked for again by its tag.
    "cache-control": "public, max-age=0",
    "x-content-type-options": "nosniff",
    etag,
  };
  if (request.headers.get("if-none-match") === etag) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(request.method === "HEAD" ? null : text, { headers });
}
