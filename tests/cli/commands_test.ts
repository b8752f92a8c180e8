/** Every command as an operator types it, against a running service. */

import assert from "node:assert/strict";
import { startProviders } from "../flow/_providers.ts";
import { writeFolder } from "../support/configuration.ts";
import { redisTest, startRedis } from "../support/redis_server.ts";
import { startTestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";
import { isInstalled, programTest, runProgram } from "../support/programs.ts";
import { carillon, ROOT } from "./_carillon.ts";

Deno.test("publish waits for the outcome, and show tells it again", async () => {
  await using service = await startTestService();
  const published = await carillon(["publish", "3", "1", "--json"], {
    service,
  });
  assert.equal(published.code, 0, published.stderr);
  const record = JSON.parse(published.stdout);
  assert.equal(record.reason, "no_subscription");
  const shown = await carillon(["show", record.id], { service });
  assert.equal(shown.code, 0, shown.stderr);
  assert.match(shown.stdout, /ox:mail:new to user 3 of context 1/);
});

Deno.test("publish takes data, topic and priority, also from a pipe", async () => {
  await using service = await startTestService();
  const words = [
    "publish",
    "4",
    "2",
    "--topic",
    "ox:calendar:updates",
    "--data",
    "-",
    "--ttl",
    "60",
  ];
  const { code, stdout, stderr } = await carillon([...words, "--json"], {
    service,
    input: '{"folders":["7"]}',
  });
  assert.equal(code, 0, stderr);
  const { topic, user, context } = JSON.parse(stdout);
  assert.deepEqual({ topic, user, context }, {
    topic: "ox:calendar:updates",
    user: "4",
    context: "2",
  });
});

Deno.test("listen prints a hostile event harmlessly, one JSON line each", async () => {
  await using service = await startTestService();
  const listening = carillon(["listen", "3", "1", "--count", "1"], { service });
  const hostile = { subject: "\x1b]0;pwned\x07 \u202egpj.exe", html: "\x9b2J" };
  let stop = false;
  const publishing = (async () => {
    while (!stop) {
      await service.publish({ data: hostile });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  })();
  const { code, stdout } = await listening;
  stop = true;
  await publishing;
  assert.equal(code, 0);
  // deno-lint-ignore no-control-regex -- these are what it is about
  const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/;
  assert.ok(!controls.test(stdout), stdout);
  assert.deepEqual(JSON.parse(stdout), ["ox:mail:new", hostile]);
});

Deno.test("subscribe takes the address from the environment or a pipe, and tries it out", async () => {
  await using providers = await startProviders();
  const { service, simulator } = providers;
  const words = [
    "subscribe",
    "3",
    "1",
    "--client",
    "demo-ios",
    "--transport",
    "apn",
    "--test",
  ];
  const { code, stdout, stderr } = await carillon([...words, "--json"], {
    service,
    env: { CARILLON_ADDRESS: "ab".repeat(32) },
  });
  assert.equal(code, 0, stderr);
  const { id, test } = JSON.parse(stdout);
  assert.equal(test.outcome, "sent");
  assert.ok(id);
  assert.equal(simulator.received.list({}).length, 1);
  const piped = await carillon(
    [
      "subscribe",
      "3",
      "1",
      "--client",
      "demo-android",
      "--transport",
      "gcm",
      "--topic",
      "ox:*",
    ],
    { service, input: "a-registration-token\n" },
  );
  assert.equal(piped.code, 0, piped.stderr);
  assert.deepEqual(JSON.parse(piped.stdout).topics, ["ox:*"]);
  assert.ok(!piped.stdout.includes("a-registration-token"));
});

Deno.test("explain tells the targets and the setting that decides", async () => {
  await using providers = await startProviders();
  const { service } = providers;
  await service.subscribe({
    client: "demo-ios",
    transport: "apn",
    token: "cd".repeat(32),
  });
  const { code, stdout } = await carillon(["explain", "3", "1"], { service });
  assert.equal(code, 0);
  assert.match(stdout, /^yes apn demo-ios/m);
  assert.match(
    stdout,
    /→ server: com\.openexchange\.pns\.transport\.apn\.ios\.enabled/,
  );
});

Deno.test("dead letters are listed and replayed", async () => {
  await using providers = await startProviders({
    properties: { "io.carillon.delivery.maxAttempts": 1 },
  });
  const { service, simulator } = providers;
  await service.subscribe({
    client: "demo-ios",
    transport: "apn",
    token: "ef".repeat(32),
  });
  simulator.faults.set({ provider: "apn", token: "*", script: "500" });
  await service.settled(await service.publish());
  const listed = await carillon(
    ["dead-letters", "list", "--transport", "apn"],
    { service },
  );
  assert.match(listed.stdout, /apn\s+demo-ios/);
  const refused = await carillon(["dead-letters", "replay"], { service });
  assert.equal(refused.code, 2);
  simulator.faults.clear();
  const replayed = await carillon([
    "dead-letters",
    "replay",
    "--client",
    "demo-ios",
  ], { service });
  assert.equal(replayed.stdout.trim(), "replayed 1");
});

Deno.test("keys are made, listed and revoked, and the secret is shown once", async () => {
  await using service = await startTestService();
  const made = await carillon([
    "keys",
    "create",
    "mail server",
    "--scope",
    "publish",
  ], { service });
  assert.equal(made.code, 0, made.stderr);
  const secret = made.stdout.trim();
  const published = await carillon(["publish", "--no-wait"], {
    service,
    env: { CARILLON_KEY: secret },
  });
  assert.match(published.stdout, /^accepted as /);
  const listed = await carillon(["keys", "list", "--json"], { service });
  assert.ok(!listed.stdout.includes(secret));
  const [{ id }] = JSON.parse(listed.stdout).filter((
    key: { readonly name: string },
  ) => key.name === "mail server");
  assert.equal((await carillon(["keys", "revoke", id], { service })).code, 0);
  const after = await carillon(["publish", "--no-wait"], {
    service,
    env: { CARILLON_KEY: secret },
  });
  assert.equal(after.code, 4);
});

Deno.test("config set checks, writes and reloads; get and diff tell it", async () => {
  await using service = await startTestService();
  const key = "io.carillon.subscriptions.maxPerUser";
  const wrong = await carillon(["config", "set", key, "none"], { service });
  assert.equal(wrong.code, 2);
  const set = await carillon(["config", "set", key, "7", "--reload"], {
    service,
  });
  assert.equal(set.code, 0, set.stderr);
  assert.match(set.stderr, new RegExp(key));
  const got = await carillon(["config", "get", key, "--json"], { service });
  assert.deepEqual(JSON.parse(got.stdout), {
    key,
    value: "7",
    source: "carillon.properties:1:1",
  });
  const diff = await carillon(["config", "diff"], { service });
  assert.match(diff.stdout, new RegExp(`${key}: 100 → 7`));
  const near = await carillon([
    "config",
    "get",
    "io.carillon.subscriptions.maxPerUsr",
  ], { service });
  assert.match(near.stderr, /did you mean/);
});

Deno.test("a secret value is no argument, and is not shown", async () => {
  await using service = await startTestService();
  const key = "io.carillon.feedback.secret";
  const refused = await carillon(["config", "set", key, "hush"], { service });
  assert.equal(refused.code, 2);
  assert.ok(!refused.stderr.includes("hush"));
  const set = await carillon(["config", "set", key], {
    service,
    input: "hush-hush\n",
  });
  assert.equal(set.code, 0, set.stderr);
  const got = await carillon(["config", "get", key], { service });
  assert.match(got.stdout, /^\[secret\]/);
  const file = await Deno.readTextFile(
    `${service.configDir}/carillon.properties`,
  );
  assert.match(file, /=hush-hush$/m);
});

Deno.test("attributes of contexts and users are set and read at the service", async () => {
  await using service = await startTestService();
  const key = "com.openexchange.pns.transport.websocket.enabled";
  const at = ["--context", "1", "--user", "3"];
  const set = await carillon(["config", "set", key, "false", ...at], {
    service,
  });
  assert.equal(set.code, 0, set.stderr);
  const got = await carillon(["config", "get", key, ...at], { service });
  assert.equal(got.stdout.trim(), "false");
});

Deno.test("config check finds what a start refuses", async () => {
  await using service = await startTestService();
  assert.equal((await carillon(["config", "check"], { service })).code, 0);
  await service.configure(
    "z.properties",
    "com.openexchange.pns.delayDuration=soon\n",
  );
  const { code, stdout } = await carillon(["config", "check"], { service });
  assert.equal(code, 1);
  assert.match(stdout, /Faults that stop a start:\n {2}z\.properties:1/);
});

Deno.test("config check takes the environment as a start does, and a folder as its argument", async () => {
  const folder = await writeFolder({
    "pns-gcm-options.yml": "droid:\n  serviceacount: x.json\n",
  });
  try {
    const words = ["config", "check", folder];
    const left = await carillon([...words, "--json"]);
    assert.equal(left.code, 6, left.stderr);
    const { ok, clientFaults, faults } = JSON.parse(left.stdout);
    assert.deepEqual([ok, clientFaults[0].file, faults], [true, "pns-gcm-options.yml", []]);
    const env = { COM_OPENEXCHANGE_PNS_DELAYDURATION: "soon" };
    const refused = await carillon(words, { env });
    assert.equal(refused.code, 1, refused.stdout);
    assert.match(refused.stdout, /A start on this folder fails/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

redisTest("a copy of a data file is not restored to Redis, and the command says so", async () => {
  await using redis = await startRedis();
  const folder = await Deno.makeTempDir();
  try {
    const kv = await Deno.openKv(`${folder}/a.kv`);
    await kv.set(["a"], 1);
    kv.close();
    const { code, stderr } = await carillon(["restore", `${folder}/a.kv`], {
      env: { CARILLON_STORE: redis.url },
    });
    assert.equal(code, 1);
    assert.match(stderr, /it is a copy of a data file/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("top shows rates, queues and memory", async () => {
  await using service = await startTestService();
  const { code, stdout } = await carillon([
    "top",
    "--once",
    "--interval",
    "0.2",
  ], { service });
  assert.equal(code, 0);
  assert.match(stdout, /accepted\/s/);
  const json = await carillon(
    ["top", "--once", "--interval", "0.2", "--json"],
    { service },
  );
  assert.equal(typeof JSON.parse(json.stdout).heapBytes, "number");
});

Deno.test("exit codes tell apart what went wrong", async () => {
  await using service = await startTestService();
  const none = { CARILLON_URL: "http://127.0.0.1:9", CARILLON_KEY: "x" };
  assert.equal((await carillon(["publish"], { env: none })).code, 3);
  assert.equal(
    (await carillon(["keys", "list"], { service, env: { CARILLON_KEY: "x" } }))
      .code,
    4,
  );
  const unknown = "0192f3c1-7a5b-7c3d-8e1f-2a3b4c5d6e7f";
  assert.equal((await carillon(["show", unknown], { service })).code, 5);
  const noKey = await carillon(["publish"], { env: { CARILLON_KEY: "" } });
  assert.equal(noKey.code, 2);
  assert.match(noKey.stderr, /CARILLON_KEY/);
  // What comes by a pipe is the data, and not the key.
  const env = { CARILLON_KEY: "", CARILLON_ADDRESS: "" };
  const piped = await carillon(["publish", "--data", "-"], { env, input: '{"a":1}' });
  const subscribed = await carillon(
    ["subscribe", "3", "1", "--client", "app", "--transport", "apn"],
    { env, input: "abcd" },
  );
  for (const { code, stderr } of [piped, subscribed]) {
    assert.deepEqual([code, /Set CARILLON_KEY/.test(stderr)], [2, true], stderr);
  }
  assert.equal((await carillon(["--help"])).code, 0);
});

Deno.test("an address with a password is no argument", async () => {
  const withPassword = "http://admin:hush@127.0.0.1:9";
  const { code, stderr } = await carillon(["publish", "--url", withPassword]);
  assert.equal(code, 2);
  assert.ok(!stderr.includes("hush"));
  const redis = await carillon([
    "backup",
    "redis://:hush@127.0.0.1:9",
    "/tmp/never",
  ]);
  assert.equal(redis.code, 2);
  assert.ok(!redis.stderr.includes("hush"));
});

for (
  const task of ["publish", "listen", "backup", "restore", "vapid", "carillon"]
) {
  Deno.test(`the task '${task}' runs with the permissions that it is given`, async () => {
    const { code, stdout, stderr } = await runProgram(
      [Deno.execPath(), "task", "--quiet", task, "--help"],
      { cwd: ROOT },
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Usage: carillon/);
  });
}

Deno.test("the task 'vapid' prints a pair", async () => {
  const { stdout } = await runProgram([
    Deno.execPath(),
    "task",
    "--quiet",
    "vapid",
  ], { cwd: ROOT });
  assert.match(stdout, /publickey: \S{87}\n\s+privatekey: \S{43}/);
});

programTest({ name: "script", isThere: isInstalled("script") })(
  "a key that is typed at a terminal is not shown",
  async () => {
    await using service = await startTestService();
    const command = `${Deno.execPath()} run -A --no-check cli/main.ts keys list`;
    // Gives the command a terminal of its own.
    const child = new Deno.Command("script", {
      args: ["-qec", command, "/dev/null"],
      cwd: ROOT,
      env: { CARILLON_URL: service.address, CARILLON_KEY: "", NO_COLOR: "1" },
      ...{ stdin: "piped", stdout: "piped", stderr: "null" },
    }).spawn();
    let shown = "";
    const reading = (async () => {
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) shown += text;
    })();
    await until("it asks for the key", () => shown.includes("API key:"));
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${service.adminKey}\r`));
    await until("it has listed the keys", () => shown.includes("no keys"));
    await writer.close().catch(() => {});
    await Promise.all([child.status, reading]);
    assert.ok(!shown.includes(service.adminKey), shown);
  },
);
