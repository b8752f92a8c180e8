/** A real browser without a window. Its page reports by posting JSON to `report`. */

import { BROWSER } from "./optional_programs.ts";
import { until } from "./until.ts";

/** A page's files by path; the page itself is `/`. */
export type PageFiles = Readonly<Record<string, { readonly type: string; readonly text: string }>>;

/** Serves the files of a page, and keeps what the page reports. */
export class PageServer implements AsyncDisposable {
  readonly reports: unknown[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(files: PageFiles) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const { pathname } = new URL(request.url);
        const file = files[pathname];
        if (file) return new Response(file.text, { headers: { "content-type": file.type } });
        if (pathname !== "/report") return new Response(null, { status: 404 });
        this.reports.push(await request.json());
        return new Response(null, { status: 204 });
      },
    );
  }

  /** E.g. `localhost:12345`; a browser takes it for a secure context. */
  get host(): string {
    return `localhost:${this.#server.addr.port}`;
  }

  /** Waits for so many reports; all of them. */
  async reported(count: number): Promise<readonly unknown[]> {
    await until(`${count} reports`, () => this.reports.length >= count, 30_000);
    return this.reports;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}

/** A running browser. */
export class Browser implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #profile: string;

  constructor(
    { process, profile }: { readonly process: Deno.ChildProcess; readonly profile: string },
  ) {
    this.#process = process;
    this.#profile = profile;
  }

  /** Starts it with a page. */
  static async open(address: string): Promise<Browser> {
    const profile = await Deno.makeTempDir({ prefix: "carillon_browser_" });
    const process = new Deno.Command(BROWSER!, {
      args: [
        ...["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        ...["--no-first-run", "--remote-debugging-port=0", `--user-data-dir=${profile}`],
        address,
      ],
      ...{ stdin: "null", stdout: "null", stderr: "null" },
    }).spawn();
    return new Browser({ process, profile });
  }

  /** `host:port` of its DevTools. */
  async devTools(): Promise<string> {
    const text = await until(
      "the browser says where its DevTools are",
      () => Deno.readTextFile(`${this.#profile}/DevToolsActivePort`).catch(() => undefined),
    );
    return `127.0.0.1:${text.split("\n")[0]}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
    await Deno.remove(this.#profile, { recursive: true }).catch(() => {});
  }
}
