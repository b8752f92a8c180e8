import assert from "node:assert/strict";

const MAIN = decodeURIComponent(new URL("../../simulator/main.ts", import.meta.url).pathname);

/** Runs the command on free ports until its API answers, then the test, then ends it. */
async function withCommand(data: string, run: (api: string) => Promise<void>) {
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-net",
      "--allow-env",
      `--allow-read=${data}`,
      `--allow-write=${data}`,
      MAIN,
      "--port=0",
      `--data=${data}`,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  });
  const child = command.spawn();
  const lines: string[] = [];
  const printed = Promise.withResolvers<void>();
  const read = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      lines.push(text);
      if (lines.join("").includes("webpush      {")) printed.resolve();
    }
    printed.reject(new Error("The command ended early"));
  })();
  try {
    await printed.promise;
    await run(/Simulator: (\S+)/.exec(lines.join(""))?.[1] ?? "");
  } finally {
    child.kill("SIGTERM");
    const { code } = await child.status;
    await read;
    assert.equal(code, 0);
  }
}

Deno.test("the command starts, writes a configuration, and keeps its credentials", async () => {
  const data = await Deno.makeTempDir();
  try {
    const samples: unknown[] = [];
    for (let start = 0; start < 2; start++) {
      await withCommand(data, async (api) => {
        const response = await fetch(`${api}/api/samples`);
        samples.push((await response.json()).samples.webpush.keys);
      });
    }
    assert.deepEqual(samples[0], samples[1]);
    const properties = await Deno.readTextFile(`${data}/conf/pns.properties`);
    assert.match(properties, /com\.openexchange\.pns\.transport\.apn\.ios\.enabled=true/);
    const { mode } = await Deno.stat(`${data}/material.json`);
    assert.equal(mode! & 0o077, 0);
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});
