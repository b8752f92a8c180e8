import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import { readEnvironment } from "../../service/environment.ts";

Deno.test("without any variable a node starts with the defaults", () => {
  assert.deepEqual(readEnvironment({}), {
    host: "0.0.0.0",
    port: 8080,
    configDir: "./conf",
    store: "kv:./data/carillon.kv",
  });
});

Deno.test("an empty variable is treated as not set", () => {
  const empty = {
    CARILLON_PORT: "",
    CARILLON_STORE: "",
    CARILLON_ADMIN_KEY: "",
  };
  assert.deepEqual(readEnvironment(empty), readEnvironment({}));
});

Deno.test("values are used unchanged", () => {
  const { port, adminKey, sessionSecret } = readEnvironment({
    CARILLON_PORT: "0",
    CARILLON_ADMIN_KEY: "key",
    CARILLON_SESSION_SECRET: "secret",
  });
  assert.deepEqual([port, adminKey, sessionSecret], [0, "key", "secret"]);
});

Deno.test("an invalid port is refused with the value that was received", () => {
  for (
    const CARILLON_PORT of [
      "http",
      " ",
      "0x50",
      "1e3",
      "-1",
      "65536",
      "80.5",
      "NaN",
      "Infinity",
    ]
  ) {
    assert.throws(
      () => readEnvironment({ CARILLON_PORT }),
      (thrown) =>
        thrown instanceof ServiceError &&
        thrown.code === "invalid_configuration" &&
        thrown.message.includes(CARILLON_PORT),
    );
  }
});
