import assert from "node:assert/strict";
import {
  type ApnPriority,
  apnsTopic,
  isPushType,
  PUSH_TYPES,
  type PushType,
  pushTypeFault,
} from "../../../transports/apn/push_type.ts";

const APP = "com.example.app";

Deno.test("every push type has the topic that Apple documents", () => {
  const topics: Record<PushType, string> = {
    alert: APP,
    background: APP,
    voip: `${APP}.voip`,
    complication: `${APP}.complication`,
    fileprovider: `${APP}.pushkit.fileprovider`,
    mdm: APP,
    liveactivity: `${APP}.push-type.liveactivity`,
    location: `${APP}.location-query`,
    pushtotalk: `${APP}.voip-ptt`,
    controls: `${APP}.push-type.controls`,
    widgets: `${APP}.push-type.widgets`,
  };
  assert.equal(Object.keys(PUSH_TYPES).length, 11);
  for (const [type, topic] of Object.entries(topics)) {
    assert.equal(apnsTopic(type as PushType, APP), topic);
  }
});

Deno.test("a configured topic that has the suffix already gets no second one", () => {
  assert.equal(apnsTopic("voip", `${APP}.voip`), `${APP}.voip`);
});

Deno.test("each push type takes the priorities that Apple documents", () => {
  const restricted: Partial<Record<PushType, ApnPriority[]>> = {
    background: [5],
    liveactivity: [5, 10],
    location: [5, 10],
  };
  for (const type of Object.keys(PUSH_TYPES).filter(isPushType)) {
    const taken = ([1, 5, 10] as const).filter((priority) =>
      !pushTypeFault(type, { priority, auth: "jwt" })
    );
    assert.deepEqual(taken, restricted[type] ?? [1, 5, 10], type);
  }
});

Deno.test("only a location push requires token authentication", () => {
  const refused = Object.keys(PUSH_TYPES).filter(isPushType).filter((type) =>
    pushTypeFault(type, { priority: 5, auth: "certificate" })
  );
  assert.deepEqual(refused, ["location"]);
});

Deno.test("isPushType() takes no inherited property for a push type", () => {
  assert.equal(isPushType("toString"), false);
  assert.equal(isPushType(3), false);
});
