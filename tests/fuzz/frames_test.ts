/**
 * Clients that send nearly right packets, before and after they are let in, over WebSockets and by
 * polling. Meanwhile a healthy client gets every event, and at the end no other socket is left.
 */

import assert from "node:assert/strict";
import { NEW_MAIL } from "../support/api.ts";
import { startTestService, type TestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";
import { type Dice, fuzz } from "./_fuzz.ts";
import { frameOf, payloadOf } from "./_frames.ts";

const SOCKETS = 700;
const POLLS = 700;
const PATH = "/socket.io/appsuite/";

for (const revision of [3, 4] as const) {
  Deno.test(`EIO ${revision}: a healthy socket is served while others send garbage as frames`, async () => {
    await using fixture = await start();
    await fuzz({ cases: SOCKETS, atOnce: 6 }, async (dice, number) => {
      await spoiledSocket(fixture, { revision, dice });
      if (number % 50 === 0) await fixture.isServed();
    });
    await fixture.isQuiet();
  });

  Deno.test(`EIO ${revision}: a healthy socket is served while others post garbage`, async () => {
    await using fixture = await start();
    await fuzz({ cases: POLLS, atOnce: 6 }, async (dice, number) => {
      await spoiledPolls(fixture, { revision, dice });
      if (number % 50 === 0) await fixture.isServed();
    });
    await fixture.isQuiet();
  });
}

interface Fixture extends AsyncDisposable {
  readonly service: TestService;
  /** Of the user whose sockets send garbage. */
  readonly session: string;
  /** Resolves once the healthy socket has got an event that was published now. */
  isServed(): Promise<void>;
  /** Asserts that the healthy socket alone is open, and that nothing broke. */
  isQuiet(): Promise<void>;
}

async function start(): Promise<Fixture> {
  // One user opens them all, and faster than a thousand a second.
  const service = await startTestService({
    properties: {
      "io.carillon.websocket.handshakesPerSecond": 1_000_000,
      "io.carillon.websocket.maxSocketsPerUser": 100,
    },
  });
  const session = await service.mint("bad", "1");
  const healthy = new WebSocket(
    `ws://${service.host}${PATH}?EIO=4&transport=websocket&session=${await service.mint("3", "1")}`,
  );
  let frames = "";
  healthy.onmessage = ({ data }) => {
    if (data === "2") healthy.send("3");
    else frames += `${data}\n`;
  };
  const closed = new Promise((resolve) => healthy.onclose = resolve);
  await until("it is open", () => frames.startsWith("0"));
  healthy.send("40");
  await until("it is let in", () => frames.includes("40{"));
  let published = 0;
  const fixture: Fixture = {
    ...{ service, session },
    async isServed() {
      const subject = `number ${published++}`;
      await service.publish({ data: { ...NEW_MAIL.data, id: subject, subject } });
      await until(`the healthy socket gets ${subject}`, () => frames.includes(`"${subject}"`));
    },
    async isQuiet() {
      await fixture.isServed();
      await until("no other socket is left", async () => {
        const { text } = await service.call("GET", "/metrics");
        const open = [...text.matchAll(/^carillon_sockets_open\{[^}]*\} (\d+)$/gm)];
        return open.reduce((sum, [, count]) => sum + Number(count), 0) === 1;
      });
      const broken = service.log.filter((line) => /"level":"error"|broke/.test(line));
      assert.deepEqual(broken, []);
    },
    async [Symbol.asyncDispose]() {
      healthy.close();
      await closed;
      await service[Symbol.asyncDispose]();
    },
  };
  return fixture;
}

interface Attempt {
  readonly revision: 3 | 4;
  readonly dice: Dice;
}

function queryOf(session: string, { revision, dice }: Attempt): string {
  const credential = dice.chance(0.8) ? `&session=${session}` : dice.pick(["", "&session=%00"]);
  const odd = ["&sid=__proto__", "&sid=", "&EIO=9", "&transport=x", "&b64=1", "&j=x", "&pid=%ff"]
    .concat("&offset=1", "&connection=__proto__", `&connection=${"x".repeat(3000)}`, "&pid=a.b.c");
  return `EIO=${revision}${credential}${dice.chance(0.2) ? dice.pick(odd) : ""}`;
}

/** Opens a WebSocket, sends a few frames, and goes. */
async function spoiledSocket({ service, session }: Fixture, attempt: Attempt): Promise<void> {
  const { dice, revision } = attempt;
  const query = queryOf(session, attempt);
  const socket = new WebSocket(`ws://${service.host}${PATH}?transport=websocket&${query}`);
  socket.onerror = (event) => event.preventDefault();
  let got = 0;
  socket.onmessage = () => got++;
  const closed = new Promise<void>((resolve) => socket.onclose = () => resolve());
  const opened = new Promise<void>((resolve) => socket.onopen = () => resolve());
  await Promise.race([opened, closed]);
  if (dice.chance(0.7)) { // after the handshake; otherwise in its midst
    if (revision === 4 && socket.readyState === WebSocket.OPEN) socket.send("40");
    await until("it is let in or refused", () => got >= 2 || isOver(socket));
  }
  for (let n = 1 + dice.below(8); n > 0 && socket.readyState === WebSocket.OPEN; n--) {
    socket.send(frameOf(dice));
  }
  socket.close();
  await closed;
}

/** Opens a polling session, posts a few payloads, and closes it. */
async function spoiledPolls({ service, session }: Fixture, attempt: Attempt): Promise<void> {
  const { dice, revision } = attempt;
  const base = `${service.address}${PATH}?transport=polling&${queryOf(session, attempt)}`;
  const opened = await ask(base);
  const sid = /"sid\\?":\\?"([\w-]+)/.exec(opened.text)?.[1] ?? "none";
  const own = `${base}&sid=${sid}`;
  if (dice.chance(0.7) && revision === 4) await ask(own, { method: "POST", body: "40" });
  for (let n = 1 + dice.below(3); n > 0; n--) {
    const type = dice.pick(["text/plain", "application/octet-stream", "", "a;b=\u00ff"]);
    const body = payloadOf(revision, dice);
    await ask(own, { method: "POST", body, headers: { "content-type": type } });
  }
  // The close packet; what was JSONP takes it as a form.
  const end = revision === 4 ? "1" : "1:1";
  await ask(own, { method: "POST", body: own.includes("&j=") ? `d=${end}` : end });
}

async function ask(url: string, init: RequestInit = {}) {
  const response = await fetch(url, init);
  const text = await response.text();
  assert.ok(response.status < 500, `${response.status} ${text.slice(0, 300)}`);
  return { status: response.status, text };
}

function isOver(socket: WebSocket): boolean {
  return socket.readyState !== WebSocket.OPEN;
}
