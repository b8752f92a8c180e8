import assert from "node:assert/strict";
import { parseWebsocketClients } from "../../cascade/mod.ts";
import { clientAt } from "../../realtime/_paths.ts";

function read(text: string) {
  return parseWebsocketClients("pns-websocket-clients.yml", text);
}

Deno.test("a pattern covers its path and everything below, but no longer names", () => {
  const { clients } = read("app: { path: /socket.io/appsuite/*, topics: ['*'] }");
  const client = (path: string) => clientAt(clients, path);
  assert.equal(client("/socket.io/appsuite"), "app");
  assert.equal(client("/socket.io/appsuite/"), "app");
  assert.equal(client("/socket.io/appsuite/deeper"), "app");
  assert.equal(client("/socket.io/appsuite2/"), undefined);
  assert.equal(client("/socket.io/"), undefined);
});

Deno.test("the most specific pattern wins, wherever it stands", () => {
  const { clients, faults } = read(`
all: { path: "*", topics: [a] }
wide: { path: /socket.io/*, topics: [a] }
narrow: { path: /socket.io/app/*, topics: [a] }
exact: { path: /socket.io/app, topics: ["ox:mail:*", b] }
`);
  assert.deepEqual(faults, []);
  const client = (path: string) => clientAt(clients, path);
  assert.equal(client("/socket.io/app/"), "exact");
  assert.equal(client("/socket.io/app/x"), "narrow");
  assert.equal(client("/socket.io/x"), "wide");
  assert.equal(client("/"), "all");
});

Deno.test("bad paths and topics are faults with their place", () => {
  const { clients, faults } = read(`
a: { path: socket.io, topics: [a] }
b: { path: /a//b, topics: [a] }
c: { path: /a/, topics: [a] }
d: { path: /a, topics: [ox:ma*] }
e: { path: /a, topics: [] }
f: { path: /good, topics: [ox:mail:new] }
`);
  assert.deepEqual(clients.map(({ client }) => client), ["f"]);
  assert.deepEqual(faults.map(({ line, column }) => [line, column]), [
    [2, 12],
    [3, 12],
    [4, 12],
    [5, 25],
    [6, 24],
  ]);
});

Deno.test("two clients cannot have one path", () => {
  const { clients, faults } = read("a: { path: /a, topics: [a] }\nb: { path: /a, topics: [b] }");
  assert.deepEqual(clients.map(({ client }) => client), ["a"]);
  assert.deepEqual(faults.map(({ line, message }) => [line, message]), [
    [2, "client 'b': client 'a' has the same path"],
  ]);
});
