/** A backup by the command while a service publishes, and the way back to another folder. */

import assert from "node:assert/strict";
import { prepareProcess, type ServiceProcess, startProcess } from "../support/start_process.ts";
import { until } from "../support/until.ts";

const PUBLISHERS = 3;
const BACKUPS = 3;
/** Keeps a part of everything in flight, and the rest in the ledger. */
const DELAY_MS = 300;
const OPTIONS = { properties: { "com.openexchange.pns.delayDuration": DELAY_MS } };

Deno.test("a backup under load has everything that was accepted before it began", async () => {
  await using service = await startProcess(OPTIONS);
  const reader = await service.mintKey("read");
  const accepted: string[] = [];
  let stopped = false;
  async function publish(user: number): Promise<void> {
    for (let n = 0; !stopped; n++) {
      const data = { n };
      accepted.push(
        ...await service.publishAll([
          { user: `${user}`, data },
          { user: `${user}`, topic: "t:medium", priority: "medium", data },
        ]),
      );
    }
  }
  const running = Array.from({ length: PUBLISHERS }, (_, user) => publish(user));

  const before: (readonly string[])[] = [];
  for (let round = 0; round < BACKUPS; round++) {
    const enough = accepted.length + 200;
    await until("enough is accepted", () => accepted.length >= enough);
    before.push([...accepted]);
    await command(["backup", `kv:${dataFileOf(service)}`, backupOf(service, round)]);
  }
  stopped = true;
  await Promise.all(running);
  // The service that was copied has not suffered.
  for (const id of accepted) await service.settled(id);
  assert.doesNotMatch(service.log, /"level":"error"|store_unavailable/);

  for (const [round, ids] of before.entries()) {
    await using restored = await prepareProcess(OPTIONS);
    await command(["restore", backupOf(service, round), dataFileOf(restored)]);
    await restored.start();
    for (const id of ids) await restored.settled(id);
    const { status } = await restored.call("GET", "/v1/subscriptions", { key: reader });
    assert.equal(status, 200, "credentials are restored, too");
    assert.match(restored.log, /"recovered":[1-9]/);
  }
});

Deno.test("a restore does not touch what a running service has", async () => {
  await using service = await startProcess();
  await service.publish();
  await command(["backup", dataFileOf(service), backupOf(service, 0)]);
  const { code, stderr } = await run(["restore", backupOf(service, 0), dataFileOf(service)]);
  assert.equal(code, 1);
  assert.match(stderr, /a service uses the target: stop it first/);
  await service.settled(await service.publish());
});

function dataFileOf({ configDir }: ServiceProcess): string {
  return configDir.replace(/conf$/, "data/carillon.kv");
}

function backupOf({ configDir }: ServiceProcess, round: number): string {
  return configDir.replace(/conf$/, `backups/${round}.kv`);
}

/** Runs a task, which must succeed. */
async function command(args: readonly string[]): Promise<void> {
  const { code, stderr } = await run(args);
  assert.equal(code, 0, stderr);
}

async function run(args: readonly string[]) {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", ...args],
    cwd: new URL("../../", import.meta.url),
    stdin: "null",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}
