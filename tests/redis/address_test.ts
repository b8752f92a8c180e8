import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import {
  hostsOf,
  isRedisAddress,
  parseAddress,
  type RedisAddress,
} from "../../redis/link/address.ts";

const PLAIN: RedisAddress = {
  topology: "single",
  hosts: [{ host: "redis.example", port: 6379 }],
  tls: false,
  credentials: {},
  database: 0,
  masterName: "",
  sentinelCredentials: {},
};

const READ: Readonly<Record<string, Partial<RedisAddress>>> = {
  "redis://redis.example": {},
  "valkey://redis.example/": {},
  "redis://redis.example:7000/3": {
    hosts: [{ host: "redis.example", port: 7000 }],
    database: 3,
  },
  "rediss://redis.example": { tls: true },
  "valkeys://redis.example": { tls: true },
  "redis://:pass@redis.example": { credentials: { password: "pass" } },
  "redis://user@redis.example": { credentials: { username: "user" } },
  "redis://us%3Aer:p%40ss%2F%25:x@redis.example": {
    credentials: { username: "us:er", password: "p@ss/%:x" },
  },
  "redis://[2001:db8::1]:6380": { hosts: [{ host: "2001:db8::1", port: 6380 }] },
  "redis://[::1]": { hosts: [{ host: "::1", port: 6379 }] },
  "redis+sentinel://a,b:26380/main": {
    topology: "sentinel",
    hosts: [{ host: "a", port: 26379 }, { host: "b", port: 26380 }],
    masterName: "main",
  },
  "rediss+sentinel://u:p@a/my%20master/2?sentinelUser=s&sentinelPassword=q%3D=": {
    topology: "sentinel",
    tls: true,
    hosts: [{ host: "a", port: 26379 }],
    masterName: "my master",
    database: 2,
    credentials: { username: "u", password: "p" },
    sentinelCredentials: { username: "s", password: "q==" },
  },
  "redis+cluster://a:7000,[::1]:7001": {
    topology: "cluster",
    hosts: [{ host: "a", port: 7000 }, { host: "::1", port: 7001 }],
  },
  "valkeys+cluster://:p@a": {
    topology: "cluster",
    tls: true,
    hosts: [{ host: "a", port: 6379 }],
    credentials: { password: "p" },
  },
};

for (const [address, expected] of Object.entries(READ)) {
  Deno.test(`the address '${address}' is understood`, () => {
    assert.equal(isRedisAddress(address), true);
    assert.deepEqual(parseAddress(address), { ...PLAIN, ...expected });
  });
}

const REFUSED: Readonly<Record<string, RegExp>> = {
  "redis:": /must look like/,
  "redis://": /a host must be/,
  "redis+other://:hunter2@a": /must look like/,
  "redis://hunter2:hunter2@a:b": /a host must be/,
  "redis://:hunter2@a:70000": /a port/,
  "redis://:hunter2@a:0": /a port/,
  "redis://:hunter2@a,b": /several hosts/,
  "redis://:hunter2@a/name": /the database/,
  "redis://:hunter2@a/1/2": /the database/,
  "redis://:hunter2%@a": /'%25' for itself/,
  "redis://:hunter2@x@a": /must look like/,
  "redis://:hunter2@a?timeout=hunter2": /only sentinelUser and sentinelPassword/,
  "redis+sentinel://:hunter2@a": /the name of the master/,
  "redis+sentinel://:hunter2@a/": /the name of the master/,
  "redis+cluster://:hunter2@a/1": /one database/,
  "redis+cluster://:hunter2@a,,b": /a host must be/,
};

for (const [address, why] of Object.entries(REFUSED)) {
  Deno.test(`the address '${address}' is refused without its password`, () => {
    assert.throws(() => parseAddress(address), (thrown) => {
      assert.ok(thrown instanceof ServiceError);
      assert.equal(thrown.code, "invalid_configuration");
      assert.match(thrown.message, why);
      assert.doesNotMatch(thrown.message, /hunter2/);
      return true;
    });
  });
}

Deno.test("other stores are not taken for Redis", () => {
  for (const address of ["kv:redis://x", "memory:", "rediss", "redisx://a", "postgres://a"]) {
    assert.equal(isRedisAddress(address), false);
  }
});

Deno.test("hosts are named without credentials, IPv6 in brackets", () => {
  const address = parseAddress("redis+cluster://:hunter2@a:1,[::1]:2");
  assert.equal(hostsOf(address), "a:1,[::1]:2");
});
