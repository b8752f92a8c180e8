/** The sample for HAProxy is one that the doctor finds nothing wrong with. */

import assert from "node:assert/strict";
import { startSetUp } from "../doctor/_set_up.ts";
import { freePort } from "../support/free_port.ts";
import { isInstalled, programTest, runProgram } from "../support/programs.ts";
import { until } from "../support/until.ts";
import { allFences } from "./_fences.ts";

const HAPROXY = { name: "haproxy", isThere: isInstalled("haproxy", ["-v"]) };

for (
  const { file, line, code } of (await allFences()).filter((each) => each.language === "haproxy")
) {
  programTest(HAPROXY)(`a service behind ${file}:${line} is sound to the doctor`, async () => {
    await using opened = new AsyncDisposableStack();
    const setUp = opened.use(
      await startSetUp({ properties: { "io.carillon.websocket.pingInterval": 700 } }),
    );
    const port = freePort();
    const path = await Deno.makeTempFile({ suffix: ".cfg" });
    opened.defer(() => Deno.remove(path));
    const text = code.replace("bind :80", `bind 127.0.0.1:${port}`)
      .replaceAll("10.0.0.1:8080", setUp.providers.service.host)
      .replaceAll(/^ *server b .*$/gm, "");
    await Deno.writeTextFile(path, `${text}\n`);
    const { code: exit, stderr } = await runProgram(["haproxy", "-c", "-f", path]);
    assert.equal(exit, 0, stderr);
    const child = new Deno.Command("haproxy", {
      args: ["-db", "-f", path],
      ...{ stdin: "null", stdout: "null", stderr: "null" },
    }).spawn();
    opened.defer(async () => {
      child.kill("SIGTERM");
      await child.status;
    });
    const address = `http://127.0.0.1:${port}`;
    await until("HAProxy passes requests on", async () => {
      const response = await fetch(`${address}/livez`).catch(() => undefined);
      await response?.body?.cancel();
      return response?.ok;
    });
    assert.deepEqual(await setUp.examine({ address, idle: true }), []);
  });
}
