/** The scripts of the pages do what they say, and what comes looks as the pages show it. */

import assert from "node:assert/strict";
import { EventSource } from "eventsource";
import { io } from "socket.io-client";
import { makeVapidKeys } from "../../transports/webpush/vapid.ts";
import { runProgram } from "../support/programs.ts";
import { startTestService } from "../support/start_service.ts";
import { makeBrowser } from "../transports/webpush/_browser.ts";
import { until } from "../support/until.ts";
import { allFences, type Fence } from "./_fences.ts";

const FENCES = await allFences();
const ROOT = new URL("../../", import.meta.url);
const CLIENT = new URL("clients/js/", ROOT);

function fence(language: string, begin: RegExp): Fence {
  const found = FENCES.find((each) => each.language === language && begin.test(each.code));
  assert.ok(found, String(begin));
  return found;
}

/** Runs a script with what it takes for granted. */
function runScript(code: string, given: Readonly<Record<string, unknown>>): unknown {
  const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => (
    ...values: readonly unknown[]
  ) => Promise<unknown>;
  return new AsyncFunction(...Object.keys(given), code)(...Object.values(given));
}

const RUN = [/^const socket = io/, /^const source = new EventSource/, /^await fetch/, /^\/\/ ring/];

Deno.test("each script of a page is one that is run here", () => {
  for (const { file, line, code } of FENCES.filter(({ language }) => language === "js")) {
    assert.ok(RUN.some((begin) => begin.test(code)), `${file}:${line}`);
  }
});

for (
  const sample of FENCES.filter(({ language, code }) => language === "js" && RUN[0]!.test(code))
) {
  Deno.test(`the socket of ${sample.file}:${sample.line} gets the event that it listens for`, async () => {
    await using service = await startTestService();
    const shown = Promise.withResolvers<unknown>();
    const code = `${
      sample.code.replace("https://push.example.com", service.address)
    }\nreturn socket;`;
    const socket = await runScript(code, {
      ...{ io, token: await service.mint(), show: shown.resolve },
      console: { log: shown.resolve },
    }) as ReturnType<typeof io>;
    try {
      await until("the socket is open", () => socket.connected);
      await service.publish();
      assert.match(JSON.stringify(await shown.promise), /Let's meet/);
    } finally {
      socket.close();
    }
  });
}

Deno.test("the EventSource of docs/receiving.md shows what is published", async () => {
  await using service = await startTestService();
  const shown = Promise.withResolvers<unknown>();
  const source = await runScript(`${fence("js", RUN[1]!).code}\nreturn source;`, {
    ...{ EventSource, url: service.address, token: await service.mint() },
    ...{ show: shown.resolve, location: { reload() {} }, startWithNewSession() {} },
  }) as EventSource;
  try {
    await until("the stream is open", () => source.readyState === EventSource.OPEN);
    await service.publish();
    assert.deepEqual(Object.keys(await shown.promise as object), ["topic", "data"]);
  } finally {
    source.close();
  }
});

Deno.test("the subscription of docs/transports.md is taken", async () => {
  const { publickey, privatekey } = await makeVapidKeys();
  await using service = await startTestService({
    properties: { "com.openexchange.pns.transport.webpush.enabled": true },
    files: {
      "pns-webpush-options.yml": `mybrowserclient:\n  publickey: ${publickey}\n` +
        `  privatekey: ${privatekey}\n  subject: mailto:admin@example.com\n`,
    },
  });
  const subscription = (await makeBrowser())
    .subscription("https://fcm.googleapis.com/fcm/send/an-address");
  const code = fence("js", RUN[2]!).code.replace("await fetch", "return await fetch");
  const response = await runScript(code, {
    ...{ CARILLON_URL: service.address, key: service.adminKey },
    ...{ subscription, applicationServerKey: publickey },
  }) as Response;
  const body = await response.json();
  assert.equal(response.status, 201, JSON.stringify(body));
  assert.equal(body.warnings, undefined, JSON.stringify(body));
});

Deno.test("the first program of docs/five_minutes.md rings", async () => {
  await using service = await startTestService();
  const folder = await Deno.makeTempDir();
  try {
    const map = {
      imports: {
        "@carillon/client": new URL("src/mod.ts", CLIENT).href,
        "eventsource-parser": "npm:eventsource-parser@3.1.1",
        "openapi-fetch": "npm:openapi-fetch@0.17.0",
      },
    };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(map));
    await Deno.writeTextFile(`${folder}/ring.mjs`, fence("js", RUN[3]!).code);
    const { code, stdout, stderr } = await runProgram(
      [Deno.execPath(), "run", "-A", "--no-lock", `${folder}/ring.mjs`],
      { env: { CARILLON_URL: service.address, CARILLON_KEY: service.adminKey } },
    );
    assert.equal(code, 0, stderr);
    await service.settled(stdout.trim());
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the scripts in TypeScript fit the types of the client", async () => {
  const folder = await Deno.makeTempDir();
  const known = `import type { Notification } from ${
    JSON.stringify(new URL("src/mod.ts", CLIENT).href)
  };
declare const url: string;
declare const notifications: readonly Notification[];
declare const button: { onclick: () => unknown };
declare function askMyBackEnd(): Promise<string>;
declare function loadEverythingAgain(): Promise<void>;
declare function show(topic: string, data: unknown): void;
`;
  try {
    const samples = FENCES.filter(({ language }) => language === "ts");
    assert.ok(samples.length >= 5);
    const map = {
      compilerOptions: { lib: ["deno.window", "dom"] },
      imports: {
        "@carillon/client": new URL("src/mod.ts", CLIENT).href,
        "@carillon/client/web-push": new URL("src/web_push.ts", CLIENT).href,
        "eventsource-parser": "npm:eventsource-parser@3.1.1",
        "openapi-fetch": "npm:openapi-fetch@0.17.0",
      },
    };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(map));
    const files = await Promise.all(samples.map(async ({ code }, at) => {
      const path = `${folder}/sample_${at}.ts`;
      const makes = code.includes("new Carillon") || !code.includes("carillon.")
        ? ""
        : 'import { Carillon } from "@carillon/client";\n' +
          'const carillon = new Carillon({ url, credential: "" });\n';
      await Deno.writeTextFile(path, `${makes}${code}\n${known}export {};\n`);
      return path;
    }));
    const { code, stderr } = await runProgram([Deno.execPath(), "check", "--no-lock", ...files], {
      cwd: folder,
    });
    assert.equal(code, 0, stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a stream and a plain WebSocket send what docs/receiving.md shows", async () => {
  await using service = await startTestService();
  const session = await service.mint();
  const socket = new WebSocket(`ws://${service.host}/v1/socket?session=${session}`);
  const messages: Record<string, unknown>[] = [];
  socket.onmessage = ({ data }) => messages.push(JSON.parse(data));
  const response = await fetch(`${service.address}/v1/stream`, {
    headers: { authorization: `Bearer ${session}` },
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let streamed = (await reader.read()).value!;
  await until("the socket is ready", () => messages.length === 1);
  await service.publish();
  while (!streamed.includes("ox:mail:new")) streamed += (await reader.read()).value;
  await reader.cancel();
  await until("the event has come", () => messages.length === 2);
  socket.close();
  await new Promise((resolve) => socket.onclose = resolve);

  const shape = (frames: string) =>
    frames.trim().split("\n").map((line) => {
      const [, name, value] = /^(\w+): (.*)$/.exec(line) ?? ["", line, ""];
      return name === "data" ? Object.keys(JSON.parse(value!)) : name === "id" ? name : line;
    });
  assert.deepEqual(shape(streamed), shape(fence("text", /^retry: /).code));
  const [, event] = messages;
  const shown = JSON.parse(fence("json", /"offset"/).code);
  assert.deepEqual(Object.keys(event!), Object.keys(shown));
  assert.equal(String(event!.offset).length, shown.offset.length);
});

Deno.test("each JSON of a page is compared with what comes", () => {
  assert.equal(FENCES.filter(({ language }) => language === "json").length, 1);
});

Deno.test("the two commands of the README show the event that it shows", async () => {
  await using service = await startTestService();
  const env = { CARILLON_URL: service.address, CARILLON_KEY: service.adminKey };
  const task = (...words: readonly string[]) =>
    runProgram([Deno.execPath(), "task", "--quiet", ...words], { cwd: ROOT, env });
  const listening = task("listen", "3", "1", "--count", "1");
  await until("somebody listens", async () => {
    const { text } = await service.call("GET", "/metrics");
    return /^carillon_sockets_open(?:\{.*\})? 1$/m.test(text);
  });
  assert.equal((await task("publish", "3", "1")).code, 0);
  const { stdout } = await listening;
  // Each publish has an id of its own.
  const [event, data] = JSON.parse(stdout);
  const [shownEvent, shownData] = JSON.parse(fence("text", /^\["ox:mail:new"/).code);
  assert.deepEqual([event, { ...data, id: "" }], [shownEvent, { ...shownData, id: "" }]);
});
