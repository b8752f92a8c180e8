/** The example page of `docs/transports.md`, run in a simulated browser. */

import assert from "node:assert/strict";
import { makeVapidKeys } from "../../../transports/webpush/vapid.ts";

interface Subscribed {
  readonly token: Readonly<Record<string, unknown>>;
}

type Run = (world: Record<string, unknown>) => Promise<void>;

/** The example as a function of what a browser has. */
async function readExample(): Promise<Run> {
  const page = await Deno.readTextFile(new URL("../../../docs/transports.md", import.meta.url));
  const section = page.slice(page.indexOf("## webpush"));
  const code = /```js\n([\s\S]*?)```/.exec(section)![1]!;
  const module = `export async function run({ navigator, fetch, session }) {\n${code}\n}`;
  return (await import(`data:text/javascript,${encodeURIComponent(module)}`)).run;
}

/** Runs the page in a browser whose subscription was created with `earlier`; returns its calls. */
async function visit({ current, earlier }: { current: string; earlier?: string }) {
  const done: string[] = [];
  let posted: Subscribed | undefined;
  function subscriptionOf(key: string) {
    return {
      options: { applicationServerKey: Uint8Array.fromBase64(key, BASE64URL).buffer },
      unsubscribe: () => Promise.resolve(void done.push("unsubscribe")),
      toJSON: () => ({ endpoint: "https://push.example/1", keys: {} }),
    };
  }
  const pushManager = {
    getSubscription: () => Promise.resolve(earlier ? subscriptionOf(earlier) : null),
    subscribe(options: { readonly applicationServerKey: string }) {
      done.push(`subscribe with ${options.applicationServerKey}`);
      return Promise.resolve(subscriptionOf(options.applicationServerKey));
    },
  };
  const navigator = { serviceWorker: { register: () => Promise.resolve({ pushManager }) } };
  function fetch(path: string, init?: RequestInit) {
    if (init === undefined) {
      assert.equal(path, "/v1/webpush/mybrowserclient/key");
      return Promise.resolve(Response.json({ applicationServerKey: current }));
    }
    posted = JSON.parse(String(init.body));
    return Promise.resolve(new Response());
  }
  await (await readExample())({ navigator, fetch, session: "s" });
  assert.equal(posted?.token.applicationServerKey, current);
  return done;
}

const BASE64URL = { alphabet: "base64url" } as const;
const { publickey: current } = await makeVapidKeys();

Deno.test("the page of the docs subscribes with the key that it receives", async () => {
  assert.deepEqual(await visit({ current }), [`subscribe with ${current}`]);
});

Deno.test("the page of the docs keeps a subscription with the current key", async () => {
  assert.deepEqual(await visit({ current, earlier: current }), []);
});

Deno.test("the page of the docs replaces a subscription with an earlier key", async () => {
  const { publickey: earlier } = await makeVapidKeys();
  const done = await visit({ current, earlier });
  assert.deepEqual(done, ["unsubscribe", `subscribe with ${current}`]);
});
