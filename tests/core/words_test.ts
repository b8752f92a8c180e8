import assert from "node:assert/strict";
import { ERRORS, messageOf, ServiceError } from "../../core/errors.ts";
import { userKey } from "../../core/notification.ts";
import { allows, type Principal, type Scope } from "../../core/principal.ts";
import { transportName } from "../../core/subscription.ts";

Deno.test("an error carries its code, status and faults, and its cause", () => {
  const cause = new Error("why");
  const faults = [{ path: "topic", message: "is empty" }];
  const error = new ServiceError("invalid_topic", "Cannot publish", { faults, cause });
  assert.equal(error.status, 400);
  assert.equal(error.code, "invalid_topic");
  assert.deepEqual(error.faults, faults);
  assert.equal(error.cause, cause);
  assert.equal(error.retryAfterSeconds, undefined);
  assert.ok(!("cause" in new ServiceError("internal", "x")));
});

Deno.test("an error number of the original stands for one kind of error", () => {
  const codes = Map.groupBy(
    Object.entries(ERRORS).filter(([, error]) => "pns" in error),
    ([, error]) => (error as { pns: string }).pns,
  );
  const shared = [...codes.values()].filter(({ length }) => length > 1)
    .map((entries) => entries.map(([code]) => code).toSorted());
  assert.deepEqual(shared.toSorted(), [
    ["forbidden", "subscription_denied"],
    ["middleware_unavailable", "store_unavailable"],
  ]);
  assert.equal(ERRORS.invalid_topic.pns, "PNS-0007");
});

Deno.test("the message of anything thrown is cut to a length fit for a log", () => {
  assert.equal(messageOf(new Error("x")), "x");
  assert.equal(messageOf("text"), "text");
  assert.equal(messageOf(undefined), "undefined");
  assert.equal(messageOf(new Error("x".repeat(2_000))).length, 1_025);
  assert.equal(messageOf("abcdef", 3), "abc…");
});

Deno.test("a principal is allowed what its scopes say, in its contexts", () => {
  const tied = principal(["publish"], ["1"]);
  assert.equal(allows(tied, "publish"), true);
  assert.equal(allows(tied, "publish", "1"), true);
  assert.equal(allows(tied, "publish", "2"), false);
  assert.equal(allows(tied, "read", "1"), false);
});

Deno.test("an admin may do everything, but only in the contexts that it is tied to", () => {
  assert.equal(allows(principal(["admin"]), "publish", "2"), true);
  assert.equal(allows(principal(["admin"], ["1"]), "publish", "2"), false);
});

Deno.test("the original's names of transports stand for ours, and others for none", () => {
  assert.deepEqual(
    ["apn", "apns", "apns_http2", "gcm", "fcm", "wns", "webpush", "websocket", "webhook"]
      .map(transportName),
    ["apn", "apn", "apn", "gcm", "gcm", "wns", "webpush", "websocket", "webhook"],
  );
  for (const name of ["", "APN", "email", "constructor", "toString", "__proto__"]) {
    assert.equal(transportName(name), undefined, name);
  }
});

Deno.test("users of different contexts have different keys", () => {
  assert.notEqual(userKey("1", "23"), userKey("12", "3"));
});

function principal(scopes: readonly Scope[], contexts?: readonly string[]): Principal {
  return {
    id: "x",
    kind: "key",
    scopes: new Set(scopes),
    ...(contexts === undefined ? {} : { contexts: new Set(contexts) }),
  };
}
