import assert from "node:assert/strict";
import { pidFor, resumePointOf, resumeRequestOf } from "../../realtime/_resume.ts";

const ID = "AAAAAAAAAAAAAAAAAAAA";
const OURS = `0000000000000500.${ID}`;

Deno.test("a client without a pid claims nothing, whatever else it sends", () => {
  for (const auth of [{}, { offset: "0000000000000001" }, { pid: 7 }, { pid: null }]) {
    assert.equal(resumeRequestOf(auth), undefined);
  }
});

Deno.test("a client claims what came before the last event that it saw", () => {
  const claim = resumeRequestOf({ pid: OURS, offset: "0000000000000900" });
  assert.deepEqual(claim, { pid: OURS, at: 900, id: ID });
});

Deno.test("a client that has seen no event goes on from where its pid was given out", () => {
  for (const offset of [undefined, "session:invalid", "900", 900, "00000000000009000"]) {
    assert.deepEqual(resumeRequestOf({ pid: OURS, offset }), { pid: OURS, at: 500, id: ID });
  }
});

Deno.test("a pid that is none of ours says that something was had elsewhere", () => {
  for (const pid of ["", "x", ID, `500.${ID}`, `${OURS}x`, `0000000000000500.${ID.slice(1)}/`]) {
    assert.deepEqual(resumeRequestOf({ pid }), { pid, at: 0, id: undefined });
  }
});

Deno.test("a new client is delivered what comes from now on", () => {
  assert.deepEqual(
    resumePointOf(undefined, { last: 700 }),
    { at: 700, orAt: 700, isReturn: false, isTorn: false },
  );
});

Deno.test("a connection of the same id goes on where it was", () => {
  assert.deepEqual(
    resumePointOf(undefined, { last: 700, acknowledged: 600 }),
    { at: 600, orAt: 600, isReturn: true, isTorn: false },
  );
});

Deno.test("a connection that was here too long ago may miss something", () => {
  assert.deepEqual(
    resumePointOf(undefined, { last: 700, wasConnected: true }),
    { at: 700, orAt: 700, isReturn: true, isTorn: true },
  );
});

Deno.test("what a client says itself comes before what the hub knows of it", () => {
  const claim = resumeRequestOf({ pid: OURS })!;
  const at = { at: 500, isReturn: true, isTorn: false };
  assert.deepEqual(resumePointOf(claim, { last: 700, acknowledged: 600 }), { ...at, orAt: 600 });
  assert.deepEqual(resumePointOf(claim, { last: 700, acknowledged: 400 }), { ...at, orAt: 500 });
  assert.deepEqual(resumePointOf(claim, { last: 700 }), { ...at, orAt: 500 });
});

Deno.test("a new client gets a pid that says where the log ends", () => {
  const pid = pidFor(ID, { claim: undefined, at: 700, last: 700, complete: true });
  assert.equal(pid, `0000000000000700.${ID}`);
});

Deno.test("a client that gets everything keeps its pid, and another one does not", () => {
  const claim = resumeRequestOf({ pid: OURS, offset: "0000000000000600" });
  assert.equal(pidFor(ID, { claim, at: 600, last: 700, complete: true }), OURS);
  assert.notEqual(pidFor(ID, { claim, at: 600, last: 700, complete: false }), OURS);
});

Deno.test("the pid of a client that something is missing for says so again", () => {
  for (const offset of [undefined, "0000000000000500", "0000000000000600"]) {
    const claim = resumeRequestOf({ pid: OURS, offset })!;
    const pid = pidFor(ID, { claim, at: claim.at, last: 700, complete: false });
    assert.notEqual(pid, OURS);
    assert.ok(resumeRequestOf({ pid })!.at <= claim.at);
  }
});

Deno.test("an offset from the future is not given out again", () => {
  const claim = resumeRequestOf({ pid: OURS, offset: "9007199254740991" })!;
  const pid = pidFor(ID, { claim, at: claim.at, last: 700, complete: false });
  assert.equal(resumeRequestOf({ pid })!.at, 0);
});

Deno.test("a client of another service gets a pid of ours", () => {
  for (const complete of [true, false]) {
    const claim = resumeRequestOf({ pid: "elsewhere" })!;
    const pid = pidFor(ID, { claim, at: 0, last: 700, complete });
    assert.notEqual(resumeRequestOf({ pid })!.id, undefined);
  }
});
