import assert from "node:assert/strict";
import { readStartTask } from "../../scripts/start_task.ts";

const ROOT = new URL("../..", import.meta.url);

interface Variables {
  readonly [name: string]: string;
}

function command(args: readonly string[], variables: Variables): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...variables },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function run(args: readonly string[], variables: Variables) {
  const { code, stdout, stderr } = await command(args, variables).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout).trim(), stderr: decoder.decode(stderr).trim() };
}

function permissions(variables: Variables, ...args: string[]) {
  const script = ["--allow-env=CARILLON_STORE,SIMULATOR_DATA", "scripts/permissions.ts"];
  return run(["run", "--no-prompt", "--no-check", ...script, ...args], variables);
}

for (
  const [store, flag] of [
    ["", "--allow-write=./data"],
    ["kv:/var/lib/carillon/c.kv", "--allow-write=/var/lib/carillon"],
    ["kv:/var/my data/c.kv", "--allow-write=/var/my data"],
    ["kv:", "--deny-write"],
    ["kv::memory:", "--deny-write"],
    ["memory:", "--deny-write"],
    ["rediss://user:secret@redis.example:6380/1", "--deny-write"],
    ["nothing known", "--deny-write"],
  ]
) {
  Deno.test(`with CARILLON_STORE='${store}' the service runs with ${flag}`, async () => {
    assert.equal((await permissions({ CARILLON_STORE: store! })).stdout, flag);
  });
}

Deno.test("the simulator may write to the folder of its material", async () => {
  const asked = await permissions({ SIMULATOR_DATA: "/tmp/fakes" }, "simulator");
  assert.equal(asked.stdout, "--allow-write=/tmp/fakes");
  const usual = await permissions({ SIMULATOR_DATA: "" }, "simulator");
  assert.equal(usual.stdout, "--allow-write=./data/simulator");
});

Deno.test("the task prints every flag of a start, quoted for a shell", async () => {
  const variables = { CARILLON_STORE: "kv:/var/my data/c.kv" };
  const { code, stdout } = await run(["task", "--quiet", "permissions"], variables);
  const { flags } = readStartTask(await Deno.readTextFile(new URL("deno.json", ROOT)));
  assert.equal(code, 0);
  assert.equal(stdout, `${flags.join(" ")} '--allow-write=/var/my data'`);
});

Deno.test("a start task's flags are read without the permission that it asks for", () => {
  const command = 'A=b deno run --x "$(deno run --y z.ts)" --z=1 main.ts';
  assert.deepEqual(readStartTask(JSON.stringify({ tasks: { start: { command } } })), {
    variables: { A: "b" },
    flags: ["--x", "--z=1"],
  });
});

Deno.test("a start on a data file in any folder works, one with blanks included", async () => {
  const folder = await Deno.makeTempDir({ prefix: "data of carillon " });
  const child = command(["task", "start"], {
    CARILLON_STORE: `kv:${folder}/deeper/carillon.kv`,
    CARILLON_HOST: "127.0.0.1",
    CARILLON_PORT: "0",
    CARILLON_ADMIN_KEY: "an-admin-key-of-a-test",
  }).spawn();
  let text = "";
  try {
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.includes("is listening at")) child.kill("SIGTERM");
    }
    const { code } = await child.status;
    const stderr = new TextDecoder().decode(await new Response(child.stderr).bytes());
    assert.match(text, /is listening at/, stderr);
    assert.equal(code, 0);
    assert.ok((await Deno.stat(`${folder}/deeper/carillon.kv`)).isFile);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a folder that Deno's permissions cannot express ends the start with the reason", async () => {
  const { code, stdout, stderr } = await run(["task", "--quiet", "start"], {
    CARILLON_STORE: "kv:/var/a,b/c.kv",
    CARILLON_PORT: "0",
  });
  assert.notEqual(code, 0);
  assert.equal(stdout, "");
  assert.equal(
    stderr,
    "Cannot start: CARILLON_STORE names a folder with a comma, " +
      "for which Deno can give no permission; choose another folder",
  );
});
