import assert from "node:assert/strict";
import { hexFaultToken, type ReceivedPush, startSimulator } from "../../simulator/mod.ts";
import { prepareProcess } from "../support/start_process.ts";
import { CLIENTS, ENGINES, mail, QUICK, sharedMaterial, writeSample } from "./_providers.ts";

const USERS = 30;
const ROUNDS = 3;
const TRANSPORTS = ["apn", "gcm", "webpush"] as const;

/** The id of the notification that a push is of. */
function notificationOf({ provider, headers, payload }: ReceivedPush): string {
  if (provider === "apn") return headers["apns-id"]!;
  // deno-lint-ignore no-explicit-any -- what the transports render, each in its own way
  const body = payload as any;
  return provider === "fcm" ? body.data.notificationId : body.id;
}

for (const engine of ENGINES) {
  Deno.test(`${engine}: kill -9 amid pushes loses none, and what is pushed twice has the same id`, async () => {
    await using simulator = await startSimulator({
      material: await sharedMaterial(),
      keep: 10_000,
    });
    simulator.setLatency(30);
    await using service = await prepareProcess({
      properties: {
        ...QUICK,
        "io.carillon.delivery.attemptTimeout": 1500,
        "io.carillon.http.engine": engine,
      },
    });
    const files = await writeSample(simulator, service.configDir);
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${service.configDir}/${name}`, text);
    }
    await service.start();
    for (let user = 0; user < USERS; user++) {
      const script = user % 7 === 0 ? "reset once" : user % 5 === 0 ? "hang once" : "ok";
      const tokens = {
        apn: hexFaultToken(script, String(user)),
        gcm: `device-${user}:APA91b`,
        webpush: simulator.subscribe(),
      };
      for (const transport of TRANSPORTS) {
        const client = CLIENTS[transport];
        await service.subscribe({
          user: String(user),
          client,
          transport,
          token: tokens[transport],
        });
      }
    }

    const accepted: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const fields = Array.from(
        { length: USERS },
        (_, user) => mail(round, { user: String(user), priority: "high" }),
      );
      const soon = simulator.received.list().length + (round + 1) * 5;
      accepted.push(...await service.publishAll(fields));
      await simulator.received.wait(soon, {}, AbortSignal.timeout(10_000));
      await service.end("SIGKILL");
      await service.start();
    }

    for (const id of accepted) {
      const { state, targets } = await service.settled(id);
      const ended = targets.map((target) => `${target.transport} ${target.state}`).sort();
      assert.deepEqual([state, ...ended], ["delivered", "apn sent", "gcm sent", "webpush sent"]);
    }
    const taken = simulator.received.list({ accepted: true })
      .filter(({ provider }) => provider !== "google-token");
    const pushes = Map.groupBy(taken, (push) => `${push.provider} ${notificationOf(push)}`);
    assert.equal(pushes.size, accepted.length * TRANSPORTS.length);
    for (const [push, repeats] of pushes) {
      assert.equal(new Set(repeats.map(({ token }) => token)).size, 1, push);
    }
  });
}
