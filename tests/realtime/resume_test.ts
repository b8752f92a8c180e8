import assert from "node:assert/strict";
import { pidFor, resumePointOf, resumeRequestOf } from "../../realtime/_resume.ts";

const ID = "AAAAAAAAAAAAAAAAAAAA";
const OURS = `0000000000000500.${ID}`;

Deno.test("a client without a pid resumes nothing, whatever else it sends", () => {
  for (
    const auth of [{}, { offset: "0000000000000001" }, { pid: 7 }, { pid: null }]
  ) {
    assert.equal(resumeRequestOf(auth), undefined);
  }
});

Deno.test("a client resumes after the last event that it received", () => {
  const request = resumeRequestOf({ pid: OURS, offset: "0000000000000900" });
  assert.deepEqual(request, { pid: OURS, offset: 900, id: ID });
});

Deno.test("a client that has received no event resumes from the offset in its pid", () => {
  for (
    const offset of [
      undefined,
      "session:invalid",
      "900",
      900,
      "00000000000009000",
    ]
  ) {
    assert.deepEqual(resumeRequestOf({ pid: OURS, offset }), { pid: OURS, offset: 500, id: ID });
  }
});

Deno.test("a pid of another service resumes from offset 0", () => {
  for (
    const pid of [
      "",
      "x",
      ID,
      `500.${ID}`,
      `${OURS}x`,
      `0000000000000500.${ID.slice(1)}/`,
    ]
  ) {
    assert.deepEqual(resumeRequestOf({ pid }), { pid, offset: 0, id: undefined });
  }
});

Deno.test("a new client receives what is published from now on", () => {
  assert.deepEqual(
    resumePointOf(undefined, { last: 700 }),
    { offset: 700, fallback: 700, isReturn: false, needsResync: false },
  );
});

Deno.test("a connection with a known id resumes from its acknowledged offset", () => {
  assert.deepEqual(
    resumePointOf(undefined, { last: 700, acknowledged: 600 }),
    { offset: 600, fallback: 600, isReturn: true, needsResync: false },
  );
});

Deno.test("a connection that returns too late may miss something", () => {
  assert.deepEqual(
    resumePointOf(undefined, { last: 700, wasConnected: true }),
    { offset: 700, fallback: 700, isReturn: true, needsResync: true },
  );
});

Deno.test("the client's own offset takes precedence over what the hub knows", () => {
  const request = resumeRequestOf({ pid: OURS })!;
  const point = { offset: 500, isReturn: true, needsResync: false };
  assert.deepEqual(resumePointOf(request, { last: 700, acknowledged: 600 }), {
    ...point,
    fallback: 600,
  });
  assert.deepEqual(resumePointOf(request, { last: 700, acknowledged: 400 }), {
    ...point,
    fallback: 500,
  });
  assert.deepEqual(resumePointOf(request, { last: 700 }), { ...point, fallback: 500 });
});

Deno.test("a new client gets a pid with the end of the log", () => {
  const pid = pidFor(ID, { request: undefined, offset: 700, last: 700, complete: true });
  assert.equal(pid, `0000000000000700.${ID}`);
});

Deno.test("a client that misses nothing keeps its pid, any other gets a new one", () => {
  const request = resumeRequestOf({ pid: OURS, offset: "0000000000000600" });
  assert.equal(
    pidFor(ID, { request, offset: 600, last: 700, complete: true }),
    OURS,
  );
  assert.notEqual(
    pidFor(ID, { request, offset: 600, last: 700, complete: false }),
    OURS,
  );
});

Deno.test("a client that misses something gets a pid that asks for the same events", () => {
  for (const offset of [undefined, "0000000000000500", "0000000000000600"]) {
    const request = resumeRequestOf({ pid: OURS, offset })!;
    const pid = pidFor(ID, { request, offset: request.offset, last: 700, complete: false });
    assert.notEqual(pid, OURS);
    assert.ok(resumeRequestOf({ pid })!.offset <= request.offset);
  }
});

Deno.test("a pid never contains an offset beyond the end of the log", () => {
  const request = resumeRequestOf({ pid: OURS, offset: "9007199254740991" })!;
  const pid = pidFor(ID, { request, offset: request.offset, last: 700, complete: false });
  assert.equal(resumeRequestOf({ pid })!.offset, 0);
});

Deno.test("a client with the pid of another service gets a pid of this one", () => {
  for (const complete of [true, false]) {
    const request = resumeRequestOf({ pid: "elsewhere" })!;
    const pid = pidFor(ID, { request, offset: 0, last: 700, complete });
    assert.notEqual(resumeRequestOf({ pid })!.id, undefined);
  }
});
