/** Real Chromium for tests of pages, and a check of a page's accessibility. */

import assert from "node:assert/strict";
import axe from "axe-core";
import puppeteer, { type Browser, type Page } from "puppeteer-core";

/** Where distributions install Chromium. */
const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The width and height of a window, and the color scheme. */
interface Look {
  readonly width: number;
  readonly height?: number;
  readonly scheme?: "light" | "dark";
}

/** Returns the path of Chromium; undefined where it is not installed. */
export function chromiumPath(): string | undefined {
  return PATHS.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** A browser, and what its pages reported as errors. */
export class TestBrowser implements AsyncDisposable {
  readonly errors: string[] = [];
  /** The questions that pages asked, which are answered with yes unless `refuses` is set. */
  readonly questions: string[] = [];
  refuses = false;
  readonly #browser: Browser;

  constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async launch(): Promise<TestBrowser> {
    const browser = await puppeteer.launch({
      executablePath: chromiumPath()!,
      headless: true,
      // A container has no user namespaces for the sandbox, and little shared memory.
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=en"],
    });
    return new TestBrowser(browser);
  }

  /** Opens a page whose errors, and what it writes to the console, are kept. */
  async open(url: string, look: Look = { width: 1440 }): Promise<Page> {
    const page = await this.#browser.newPage();
    page.setDefaultTimeout(30_000);
    page.on("pageerror", (error) => this.errors.push(`${page.url()}: ${error}`));
    page.on("console", (message) => {
      if (message.type() === "error") this.errors.push(`${page.url()}: ${message.text()}`);
    });
    page.on("dialog", (dialog) => {
      this.questions.push(dialog.message());
      void (this.refuses ? dialog.dismiss() : dialog.accept());
    });
    await showAs(page, look);
    await page.goto(url, { waitUntil: "load" });
    return page;
  }

  /** The browser's own handle, e.g. for its cookies. */
  get browser(): Browser {
    return this.#browser;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

/** Sets the size of a page and its color scheme. */
export async function showAs(page: Page, { width, height = 900, scheme }: Look): Promise<void> {
  await page.setViewport({ width, height });
  const features = [{ name: "prefers-color-scheme", value: scheme ?? "light" }];
  await page.emulateMediaFeatures(features);
}

/** Asserts that a page has no faults that axe-core finds: contrast, landmarks, names and others. */
export async function assertAccessible(page: Page, what: string): Promise<void> {
  // Not by a script element: the policy of the page forbids that.
  await page.evaluate(axe.source);
  const faults = await page.evaluate(async () => {
    // deno-lint-ignore no-explicit-any -- it runs in the page
    const { violations } = await (globalThis as any).axe.run();
    // deno-lint-ignore no-explicit-any -- it runs in the page
    return violations.map((each: any) =>
      // deno-lint-ignore no-explicit-any -- it runs in the page
      `${each.id}: ${each.nodes.map((node: any) => node.html).slice(0, 3).join(" | ")}`
    );
  });
  assert.deepEqual(faults, [], what);
}
