import assert from "node:assert/strict";
import { CLIENTS, ENGINES, iPhone, mail, startProviders } from "./_providers.ts";

const USERS = 100;
const RELOADS = 3;
const APN_CLIENTS = [CLIENTS.apn, CLIENTS.apnCertificate];

for (const engine of ENGINES) {
  Deno.test(`${engine}: credentials that change amid pushes lose none, and repeat none`, async () => {
    await using providers = await startProviders({
      properties: { "io.carillon.http.engine": engine },
    });
    const { service, simulator, folder } = providers;
    simulator.setLatency(50);
    const users = Array.from({ length: USERS }, (_, number) => number);
    for (const number of users) {
      for (const client of APN_CLIENTS) {
        const token = iPhone(number);
        await service.subscribe({ client, transport: "apn", user: String(number), token });
      }
    }

    const ids: string[] = [];
    for (let round = 0; round < RELOADS; round++) {
      ids.push(
        ...await service.publishAll(
          users.map((number) => mail(round, { user: String(number), priority: "high" })),
        ),
      );
      const some = ids.length * APN_CLIENTS.length - USERS;
      await simulator.received.wait(some, { provider: "apn" }, AbortSignal.timeout(10_000));
      // The same authorities, but not the same file: both clients are created again.
      const authorities = await Deno.readTextFile(`${folder}/ca.pem`);
      await Deno.writeTextFile(`${folder}/ca.pem`, `${authorities}\n`);
      const { status } = await service.call("POST", "/v1/admin/reload", {});
      assert.equal(status, 200);
    }

    for (const id of ids) {
      const { state, targets } = await service.settled(id);
      assert.deepEqual([state, ...targets.map((one) => one.state)], ["delivered", "sent", "sent"]);
    }
    const pushes = simulator.received.list({ provider: "apn" });
    assert.equal(pushes.length, ids.length * APN_CLIENTS.length);
  });
}
