/** A real browser without a window, which runs a page until the page reports. */

import { BROWSER } from "./optional_programs.ts";

/** A page's files by path; the page itself is `/`. */
export type PageFiles = Readonly<Record<string, { readonly type: string; readonly text: string }>>;

/** What a page has reported, and the handler that its server needs besides. */
interface BrowserOptions {
  readonly files: PageFiles;
  /** Answers what is no file, e.g. a session. */
  readonly answer?: (request: Request) => Response | Promise<Response>;
  /** Opens the page here instead of at its own server; gets the own address. */
  readonly openAt?: (address: string) => string;
  readonly withinMs?: number;
}

/** Reports of a page, in order: it posts each as JSON to `/report`. */
export class BrowserPage implements AsyncDisposable {
  readonly reports: unknown[] = [];
  readonly address: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #profile: string;
  readonly #process: Deno.ChildProcess;

  private constructor(
    server: Deno.HttpServer<Deno.NetAddr>,
    profile: string,
    { openAt, reports }: { readonly openAt: BrowserOptions["openAt"]; readonly reports: unknown[] },
  ) {
    this.#server = server;
    this.#profile = profile;
    this.reports = reports;
    this.address = `http://localhost:${server.addr.port}`;
    this.#process = new Deno.Command(BROWSER!, {
      args: [
        ...["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        ...["--no-first-run", `--user-data-dir=${profile}`],
        openAt?.(this.address) ?? `${this.address}/`,
      ],
      ...{ stdin: "null", stdout: "null", stderr: "null" },
    }).spawn();
  }

  static async open({ files, answer, openAt }: BrowserOptions): Promise<BrowserPage> {
    const reports: unknown[] = [];
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/report") {
          reports.push(await request.json());
          return new Response(null, { headers: { "access-control-allow-origin": "*" } });
        }
        const file = files[pathname];
        if (file) return new Response(file.text, { headers: { "content-type": file.type } });
        return await answer?.(request) ?? new Response(null, { status: 404 });
      },
    );
    const profile = await Deno.makeTempDir({ prefix: "carillon_browser_" });
    return new BrowserPage(server, profile, { openAt, reports });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
    await this.#server.shutdown();
    await Deno.remove(this.#profile, { recursive: true }).catch(() => {});
  }
}
