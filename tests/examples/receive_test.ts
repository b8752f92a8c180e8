/** The examples that receive, as processes that are stopped and started again. */

import assert from "node:assert/strict";
import { findProgram } from "../support/optional_programs.ts";
import { startTestService } from "../support/start_service.ts";
import { Running } from "./_run.ts";

Deno.test({
  name: "receive.py gets what it missed while the service was away, and while it was stopped",
  ignore: findProgram(["python3"]) === undefined,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "carillon_" });
    try {
      const options = { store: `kv:${folder}/data.kv` };
      let service = await startTestService(options);
      const command = {
        program: "python3",
        args: ["receive/receive.py", `${folder}/state`],
        env: { CARILLON_URL: service.address, CARILLON_SESSION: await service.mint() },
      };
      const publish = async (n: number) => {
        await service.settled(await service.publish({ topic: "acme:a", data: { n } }));
      };
      {
        await using first = new Running(command);
        await first.says(/"event": "ready"/);
        await publish(1);
        await first.says(/^\{"topic":"acme:a","data":\{"n":1\}\}$/m);
        const { port } = service;
        await service[Symbol.asyncDispose]();
        service = await startTestService({ ...options, port });
        await publish(2);
        await first.says(/\{"n":2\}/);
        assert.doesNotMatch(first.text, /resync/);
      }
      await publish(3);
      await using second = new Running(command);
      await second.says(/\{"n":3\}/);
      assert.doesNotMatch(second.text, /resync|"n":[12]/);
      await service[Symbol.asyncDispose]();
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "receive.py says why it is refused, and ends",
  ignore: findProgram(["python3"]) === undefined,
  async fn() {
    await using service = await startTestService();
    await using running = new Running({
      program: "python3",
      args: ["receive/receive.py"],
      env: { CARILLON_URL: service.address, CARILLON_SESSION: "ses_wrong" },
    });
    await running.says(/refused: 401 .*unauthenticated/);
  },
});

Deno.test({
  name: "receive.sh shows each event as it comes",
  ignore: findProgram(["curl"]) === undefined,
  async fn() {
    await using service = await startTestService();
    await using running = new Running({
      program: "sh",
      args: ["receive/receive.sh"],
      env: { CARILLON_URL: service.address, CARILLON_SESSION: await service.mint() },
    });
    await running.says(/^event: ready$/m);
    await service.publish({ topic: "acme:a", data: { n: 1 } });
    await running.says(/^data: \{"topic":"acme:a","data":\{"n":1\}\}$/m);
  },
});
