import assert from "node:assert/strict";

Deno.test("the demo rings five bells with one publish", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--no-check", "--allow-net", "--allow-env", "--allow-sys"],
      ...["--allow-read", "--allow-write=./data", "scripts/demo.ts"],
      ...["--once", "--port", "0", "--simulator-port", "0"],
    ],
    cwd: new URL("../..", import.meta.url),
    stdin: "null",
    stderr: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  for (const transport of ["websocket", "apn", "gcm", "wns", "webpush"]) {
    assert.match(text, new RegExp(`🔔 ${transport} `));
  }
  assert.match(text, /All five rang\./);
  assert.equal(code, 0);
});
