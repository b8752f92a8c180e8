// deno-lint-ignore-file no-console -- a process of a test answers on the terminal
/**
 * `examples/browser_page/page.js` in a browser that is made up: what a page has is here, and the
 * socket is Socket.IO's own. Arguments: the address of the page, its HTML, and the subscription
 * that the browser's push service gives. Prints what the page shows, and clicks its button once.
 */

const [address, html, subscription] = Deno.args as [string, string, string];

class Element {
  readonly #name: string;
  click: (() => unknown) | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  set textContent(text: string) {
    console.log(`${this.#name}: ${text}`);
    if (this.#name === "status" && text === "connected") {
      elements.push?.click?.();
    }
  }

  prepend(): void {}

  remove(): void {
    console.log(`${this.#name} removed`);
  }

  addEventListener(type: string, handler: () => unknown): void {
    if (type === "click") this.click = handler;
  }
}

/** The elements that the HTML has, by their ids. */
const elements: Record<string, Element | undefined> = Object.fromEntries(
  [...html.matchAll(/ id="(\w+)"/g)].map(([, id]) => [id!, new Element(id!)]),
);

const pushManager = {
  getSubscription: () => Promise.resolve(null),
  subscribe: () => Promise.resolve({ toJSON: () => JSON.parse(subscription) }),
};

const { fetch } = globalThis;
const browser = {
  document: {
    querySelector: (selector: string) => elements[selector.slice(1)] ?? null,
    createElement: () => new Element("event"),
  },
  navigator: {
    serviceWorker: { register: () => Promise.resolve({ pushManager }) },
  },
  fetch: (path: string, init?: RequestInit) => fetch(new URL(path, address), init),
};
for (const [name, value] of Object.entries(browser)) {
  Object.defineProperty(globalThis, name, { value, configurable: true });
}
await import("../../examples/browser_page/page.js");
