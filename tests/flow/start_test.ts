import assert from "node:assert/strict";
import { type Ended, prepareProcess, startProcess } from "../support/start_process.ts";

/** A start that failed because of something that an operator can mend. */
function assertRefused({ code, stdout, stderr }: Ended, expected: RegExp, expectedCode = 1): void {
  assert.match(stderr, expected);
  assert.equal(code, expectedCode, stderr);
  assert.doesNotMatch(stderr, /^\s+at |Uncaught|panicked/m);
  assert.equal(stdout, "");
}

Deno.test("the first start makes a key, prints it once, and the key works", async () => {
  await using service = await startProcess({ variables: { CARILLON_ADMIN_KEY: "" } });
  const first = await service.end("SIGTERM");
  assert.equal(first.code, 0);
  const [key] = /car_[\w-]+/.exec(first.stdout)!;
  assert.match(first.stdout, /task listen/);
  assert.match(first.stdout, /task publish/);
  assert.ok(!first.stderr.includes(key));
  await service.start();
  assert.equal((await service.call("GET", "/v1/keys", { key })).status, 200);
  const second = await service.end("SIGTERM");
  assert.doesNotMatch(second.stdout, /car_/);
});

Deno.test("a port that is in use ends the start with what to do", async () => {
  using _taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const variables = { CARILLON_PORT: String(_taken.addr.port) };
  await using service = await prepareProcess({ variables });
  assertRefused(await service.run(), new RegExp(`127\\.0\\.0\\.1:${_taken.addr.port}.*in use`));
});

Deno.test("a start that fails makes no key that nobody sees", async () => {
  await using service = await prepareProcess({ variables: { CARILLON_ADMIN_KEY: "" } });
  {
    using _taken = Deno.listen({ hostname: "127.0.0.1", port: Number(service.host.split(":")[1]) });
    assertRefused(await service.run(), /in use/);
  }
  await service.start();
  const { stdout } = await service.end("SIGTERM");
  assert.match(stdout, /car_[\w-]+/);
});

Deno.test("a port that is none ends the start", async () => {
  for (const port of ["http", "70000", "-1", "80.5"]) {
    await using service = await prepareProcess({ variables: { CARILLON_PORT: port } });
    assertRefused(await service.run(), /CARILLON_PORT must be a port number/);
  }
});

Deno.test("a host that cannot be listened at ends the start", async () => {
  for (const host of ["203.0.113.7", "no.such.host.invalid"]) {
    await using service = await prepareProcess({ variables: { CARILLON_HOST: host } });
    assertRefused(await service.run(), new RegExp(`Cannot listen at ${RegExp.escape(host)}`));
  }
});

Deno.test("a data file full of garbage ends the start, and is left as it was", async () => {
  await using service = await prepareProcess();
  const folder = `${service.configDir}/../data`;
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/carillon.kv`, "garbage ".repeat(1000));
  assertRefused(await service.run(), /Cannot (open|read) the data file .*carillon\.kv/, 78);
  assert.match(await Deno.readTextFile(`${folder}/carillon.kv`), /^garbage /);
});

Deno.test("a folder in place of the data file ends the start", async () => {
  await using service = await prepareProcess();
  await Deno.mkdir(`${service.configDir}/../data/carillon.kv`, { recursive: true });
  assertRefused(await service.run(), /Cannot open the data file .*carillon\.kv/);
});

Deno.test("a data folder that cannot be made ends the start", async () => {
  await using service = await prepareProcess();
  await Deno.writeTextFile(`${service.configDir}/../data`, "in the way");
  assertRefused(await service.run(), /Cannot create the data folder .*data/);
});

Deno.test("a store that this build does not know ends the start", async () => {
  for (const store of ["mysql://user:secret@db/carillon", "redis+odd://:secret@db", "data.kv"]) {
    await using service = await prepareProcess({ variables: { CARILLON_STORE: store } });
    const ended = await service.run();
    assertRefused(ended, /Cannot (open|read)/);
    assert.doesNotMatch(ended.stderr, /secret/);
  }
});

Deno.test("bad configuration ends the start with every file, line and column", async () => {
  await using service = await prepareProcess({
    properties: { "com.openexchange.pns.numProcessorThreads": "many" },
  });
  await Deno.writeTextFile(`${service.configDir}/a.properties`, "io.carillon.log.level=loud\n");
  const ended = await service.run();
  assertRefused(ended, /Cannot load the configuration/);
  assert.match(ended.stderr, /a\.properties:1:\d+: /);
  assert.match(ended.stderr, /test\.properties:3:\d+: /);
});

Deno.test("a secret that is too short ends the start without repeating it", async () => {
  for (const name of ["CARILLON_ADMIN_KEY", "CARILLON_SESSION_SECRET"]) {
    await using service = await prepareProcess({ variables: { [name]: "hunter2" } });
    const ended = await service.run();
    assertRefused(ended, /at least \d+/);
    assert.doesNotMatch(ended.stderr, /hunter2/);
  }
});

Deno.test("a start that fails for its port touches nothing that another one has accepted", async () => {
  // Nobody listens, so delivering it would record that nobody wanted it.
  await using service = await startProcess({
    properties: { "com.openexchange.pns.delayDuration": 600_000 },
  });
  const id = await service.publish();
  await service.end("SIGKILL");
  await Deno.writeTextFile(
    `${service.configDir}/test.properties`,
    "com.openexchange.pns.delayDuration=0\n",
  );
  {
    const port = Number(service.host.split(":")[1]);
    using _taken = Deno.listen({ hostname: "127.0.0.1", port });
    assertRefused(await service.run(), /in use/);
  }
  await Deno.writeTextFile(
    `${service.configDir}/test.properties`,
    "com.openexchange.pns.delayDuration=600000\n",
  );
  await service.start();
  const { body } = await service.call("GET", `/v1/notifications/${id}`);
  assert.equal(body.state, "in_flight");
});
