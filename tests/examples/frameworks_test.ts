/** The back ends for Express and Django, with the frameworks themselves. */

import assert from "node:assert/strict";
import { listen } from "../support/listener.ts";
import { findProgram } from "../support/optional_programs.ts";
import { startTestService } from "../support/start_service.ts";
import { EXAMPLES, Running } from "./_run.ts";

const FOLDER = new URL("back_end/", EXAMPLES).pathname;

/** A Python that has Django: another one than the system's may come first in the path. */
function pythonWithDjango(): string | undefined {
  const args = ["-c", "import django"];
  return ["python3", "/usr/bin/python3"].find((program) =>
    findProgram([program]) !== undefined &&
    new Deno.Command(program, { args, stderr: "null" }).outputSync().success
  );
}

async function installExpress(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "carillon_express_" });
  for (const name of ["package.json", "server.mjs"]) {
    await Deno.copyFile(`${FOLDER}express/${name}`, `${folder}/${name}`);
  }
  const args = ["install", "--silent", "--no-audit", "--no-fund"];
  const { success, stderr } = await new Deno.Command("npm", { args, cwd: folder }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return folder;
}

async function mintsAndSubscribes(program: string, args: readonly string[]): Promise<void> {
  await using service = await startTestService();
  await using running = new Running({
    ...{ program, args },
    env: {
      CARILLON_URL: service.address,
      CARILLON_KEY: await service.mintKey("subscribe"),
      PORT: "0",
    },
  });
  const [, address] = await running.says(/listening at (http:\S+)/);
  const post = (path: string, body: unknown) =>
    fetch(address! + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const { url, token, expires } = await (await post("/session", {})).json();
  assert.equal(url, service.address);
  assert.ok(Date.parse(expires) > Date.now());
  using socket = await listen(service.host, { session: token });
  await service.publish({ context: "1", user: "3" });
  await socket.received(1);
  const subscription = {
    ...{ client: "mybrowserclient", topics: ["*"], user: "4" },
    token: {
      endpoint: "https://updates.push.services.mozilla.com/wpush/v2/x",
      keys: {
        p256dh:
          "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM",
        auth: "tBHItJI5svbpez7KI4CCXg",
      },
    },
  };
  const stored = await post("/subscription", subscription);
  assert.equal(stored.status, 200);
  const { id } = await stored.json();
  const { body } = await service.call("GET", `/v1/subscriptions/${id}`);
  assert.equal(body.user, "3", "a page cannot subscribe somebody else");
  const refused = await post("/subscription", { client: "mybrowserclient" });
  assert.ok(refused.status >= 400);
  await refused.body?.cancel();
  const form = await fetch(`${address}/nothing`);
  assert.ok(form.status >= 400);
  await form.body?.cancel();
}

Deno.test({
  name: "the back end for Express mints sessions and stores subscriptions",
  ignore: findProgram(["npm"]) === undefined,
  async fn() {
    const folder = await installExpress();
    try {
      await mintsAndSubscribes("node", [`${folder}/server.mjs`]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

const python = pythonWithDjango();
Deno.test({
  name: "the back end for Django mints sessions and stores subscriptions",
  ignore: python === undefined,
  fn: () => mintsAndSubscribes(python!, [`${FOLDER}django/server.py`, "0"]),
});
