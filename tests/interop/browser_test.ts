/** A real browser: its own EventSource behind nginx, and the service worker that shows Web Push. */

import assert from "node:assert/strict";
import { startSimulator } from "../../simulator/mod.ts";
import { exampleConfiguration } from "../examples/_configuration.ts";
import { Browser, PageServer } from "../support/browser.ts";
import { startProxy } from "../support/nginx_proxy.ts";
import { BROWSER, NGINX, optionalTest } from "../support/optional_programs.ts";
import { startTestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";

const REPORT =
  `const report = (what) => fetch("report", { method: "POST", body: JSON.stringify(what) });`;

function html(script: string): string {
  return `<!doctype html><script type="module">${REPORT}\n${script}</script>`;
}

optionalTest({
  name: "a browser's EventSource behind nginx gets each event once, also after nginx was away",
  needs: [BROWSER, NGINX],
  async fn() {
    await using service = await startTestService();
    const address = `/v1/stream?session=${await service.mint()}&connection=tab`;
    const text = html(`
const source = new EventSource(${JSON.stringify(address)});
source.addEventListener("ready", ({ data }) => report(JSON.parse(data).recovered));
source.onmessage = ({ data }) => report(JSON.parse(data).data.n);`);
    await using pages = new PageServer({ "/": { type: "text/html", text } });
    const publish = async (n: number) => {
      await service.settled(await service.publish({ topic: "acme:a", data: { n } }));
    };
    const first = await startProxy(service.host, { pages: pages.host });
    await using _browser = await Browser.open(`${first.address}/page/`);
    await pages.reported(1);
    await publish(1);
    await pages.reported(2);
    await first[Symbol.asyncDispose]();
    await publish(2);
    const port = Number(new URL(first.address).port);
    await using _second = await startProxy(service.host, { pages: pages.host, port });
    await until("it has what it missed", () => pages.reports.includes(2), 30_000);
    await publish(3);
    await until("it goes on", () => pages.reports.includes(3));
    assert.deepEqual(pages.reports, [false, 1, true, 2, 3]);
  },
});

/** Commands of the DevTools protocol to one page. */
async function openDevTools(host: string) {
  const page = await until("the page is there", async () => {
    const targets = await (await fetch(`http://${host}/json`)).json();
    return targets.find((target: { type: string }) => target.type === "page");
  });
  const socket = new WebSocket(page.webSocketDebuggerUrl);
  await new Promise((resolve) => socket.onopen = resolve);
  const answers = new Map<number, (result: unknown) => void>();
  const registrations: string[] = [];
  let last = 0;
  socket.onmessage = ({ data }) => {
    const { id, result, method, params } = JSON.parse(data);
    if (method === "ServiceWorker.workerRegistrationUpdated") {
      for (const { registrationId } of params.registrations) registrations.push(registrationId);
    }
    answers.get(id)?.(result);
  };
  return {
    registrations,
    send(method: string, params: object = {}): Promise<unknown> {
      const id = ++last;
      socket.send(JSON.stringify({ id, method, params }));
      return new Promise((resolve) => answers.set(id, resolve));
    },
    [Symbol.dispose]: () => socket.close(),
  };
}

optionalTest({
  name: "a browser's service worker shows what the service encrypted for the push service",
  needs: [BROWSER],
  async fn() {
    await using simulator = await startSimulator();
    await using service = await startTestService({ files: await exampleConfiguration(simulator) });
    await service.subscribe({
      ...{ client: "mybrowserclient", transport: "webpush", token: simulator.samples.webpush },
    });
    await service.publish({ topic: "ox:mail:new" });
    const [push] = await simulator.received.wait(1, { accepted: true });
    // No browser takes a push service of a test, so the decrypted message is handed to it.
    const message = JSON.stringify(push!.payload);

    const worker = new URL("../../clients/js/service_worker.js", import.meta.url);
    await using pages = new PageServer({
      "/service_worker.js": { type: "text/javascript", text: await Deno.readTextFile(worker) },
      "/": {
        type: "text/html",
        text: html(`
const registration = await navigator.serviceWorker.register("/service_worker.js");
await navigator.serviceWorker.ready;
await report("ready");
for (;;) {
  const [shown] = await registration.getNotifications();
  if (shown) {
    await report({ title: shown.title, body: shown.body });
    break;
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
}
while ((await registration.getNotifications()).length > 0) {
  await new Promise((resolve) => setTimeout(resolve, 50));
}
await report("dismissed");`),
      },
    });
    const origin = `http://${pages.host}`;
    await using browser = await Browser.open(origin);
    await pages.reported(1);
    using devTools = await openDevTools(await browser.devTools());
    const permission = { origin, permissions: ["notifications"] };
    await devTools.send("Browser.grantPermissions", permission);
    await devTools.send("ServiceWorker.enable");
    const registrationId = await until("it is registered", () => devTools.registrations[0]);
    const delivery = { origin, registrationId, data: message };
    await devTools.send("ServiceWorker.deliverPushMessage", delivery);
    const [, shown] = await pages.reported(2) as [unknown, { title: string }];
    assert.equal(shown.title, JSON.parse(message).title);
    assert.ok(shown.title.length > 0);
    const { tag } = JSON.parse(message);
    const data = JSON.stringify({ id: "x", topic: "ox:mail:new", silent: true, dismiss: tag });
    await devTools.send("ServiceWorker.deliverPushMessage", { ...delivery, data });
    assert.equal((await pages.reported(3))[2], "dismissed");
  },
});
