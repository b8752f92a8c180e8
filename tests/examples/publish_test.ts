import assert from "node:assert/strict";
import { listen } from "../support/listener.ts";
import { startTestService } from "../support/start_service.ts";
import { findProgram } from "../support/optional_programs.ts";
import { run } from "./_run.ts";

interface Way {
  readonly program: string;
  readonly args: readonly string[];
  /** Further programs that it needs. */
  readonly needs?: readonly string[];
}

const ON_DENO = ["run", "--no-prompt", "--allow-net", "--allow-env"];

/** The examples that publish one mail to a user and print what became of it. */
const WAYS: Readonly<Record<string, Way>> = {
  "publish.sh": {
    program: "sh",
    args: ["publish/publish.sh"],
    needs: ["curl"],
  },
  "publish.mjs on Node.js": { program: "node", args: ["publish/publish.mjs"] },
  "publish.mjs on Deno": {
    program: Deno.execPath(),
    args: [...ON_DENO, "publish/publish.mjs"],
  },
  "publish.py": { program: "python3", args: ["publish/publish.py"] },
  "Publish.java": { program: "java", args: ["publish/Publish.java"] },
  "publish.php": { program: "php", args: ["publish/publish.php"] },
  "publish.go": { program: "go", args: ["run", "publish/publish.go"] },
};

function isMissing({ program, needs = [] }: Way): boolean {
  return ![...needs, ...(program === "sh" ? [] : [program])].every((each) =>
    findProgram([each]) !== undefined
  );
}

for (const [name, way] of Object.entries(WAYS)) {
  Deno.test({
    name: `${name} publishes a mail and reports its delivery`,
    ignore: isMissing(way),
    async fn() {
      await using service = await startTestService();
      using socket = await listen(service.host, {
        session: await service.mint("jane", "7"),
      });
      const { code, stdout, stderr } = await run({
        program: way.program,
        args: [...way.args, "jane", "7"],
        env: {
          CARILLON_URL: service.address,
          CARILLON_KEY: await service.mintKey("publish", "read"),
        },
      });
      assert.equal(code, 0, stderr);
      const [first, second] = stdout.trim().split("\n");
      const record = JSON.parse(second!);
      assert.equal(first, `accepted as ${record.id}`);
      assert.equal(record.state, "delivered");
      const [[topic, data]] = await socket.received(1) as [
        [string, Record<string, string>],
      ];
      assert.deepEqual([topic, data.subject], ["ox:mail:new", "Let us meet"]);
    },
  });

  Deno.test({
    name: `${name} fails with the service's reason where the key is wrong`,
    ignore: isMissing(way),
    async fn() {
      await using service = await startTestService();
      const { code, stderr } = await run({
        ...way,
        env: { CARILLON_URL: service.address, CARILLON_KEY: "car_wrong" },
      });
      assert.notEqual(code, 0);
      assert.match(stderr, /unauthenticated/);
    },
  });
}

const BATCH = {
  program: Deno.execPath(),
  args: [...ON_DENO, "--check", "publish/publish_batch.ts", "3", "4"],
};

Deno.test("publish_batch.ts publishes to several users at once", async () => {
  await using service = await startTestService();
  using three = await listen(service.host, {
    session: await service.mint("3"),
  });
  using four = await listen(service.host, { session: await service.mint("4") });
  const key = await service.mintKey("publish");
  const { code, stdout, stderr } = await run({
    ...BATCH,
    env: { CARILLON_URL: service.address, CARILLON_KEY: key },
  });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^accepted as [\w-]{36}, [\w-]{36}$/m);
  for (const socket of [three, four]) {
    assert.equal((await socket.received(1))[0]![0], "acme:invoice:paid");
  }
});

Deno.test("publish_batch.ts repeats a request that was refused for now, with the same key", async () => {
  const keys: (string | null)[] = [];
  await using server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen() {},
  }, (request) => {
    keys.push(request.headers.get("idempotency-key"));
    return keys.length === 1
      ? Response.json({ code: "buffer_full" }, { status: 503 })
      : Response.json({ ids: ["a", "b"] }, { status: 202 });
  });
  const { code, stdout, stderr } = await run({
    ...BATCH,
    env: {
      CARILLON_URL: `http://127.0.0.1:${server.addr.port}`,
      CARILLON_KEY: "any",
    },
  });
  assert.equal(code, 0, stderr);
  assert.equal(stdout, "accepted as a, b\n");
  assert.equal(keys.length, 2);
  assert.ok(keys[0]?.startsWith("invoice-4711-paid-"));
  assert.equal(keys[0], keys[1]);
});

Deno.test("publish_batch.ts does not repeat what is refused for good", async () => {
  await using service = await startTestService();
  const { code, stderr } = await run({
    ...BATCH,
    env: { CARILLON_URL: service.address, CARILLON_KEY: "car_wrong" },
  });
  assert.notEqual(code, 0);
  assert.match(stderr, /Not accepted: .*unauthenticated/);
});
