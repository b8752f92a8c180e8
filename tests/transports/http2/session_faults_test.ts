/** What a server must not send, and whether it ends the stream or the connection. */

import assert from "node:assert/strict";
import type { Frame } from "../../../transports/http2/frame_reader.ts";
import { ERROR, FLAG, FRAME, SETTING } from "../../../transports/http2/frames.ts";
import { ProtocolError } from "../../../transports/http2/protocol_error.ts";
import { block, data, frame, goaway, headers, numbers, settings } from "./_frames.ts";
import { brief, END, sessionRig } from "./_session_rig.ts";

const ONE_STREAM: Readonly<Record<string, readonly Frame[]>> = {
  "data before any head": [data(1, "x")],
  "a head without a status": [frame(FRAME.HEADERS, 1, { flags: END, payload: block({ a: "b" }) })],
  "a status that is no number": [headers(1, "fine", { flags: END })],
  "an interim answer that ends": [headers(1, "103", { flags: END })],
  "a window that does not grow": [numbers(FRAME.WINDOW_UPDATE, 1, 0)],
  "a window that grows too large": [numbers(FRAME.WINDOW_UPDATE, 1, 2 ** 31 - 1)],
};

for (const [what, frames] of Object.entries(ONE_STREAM)) {
  Deno.test(`${what} ends its stream, and no other`, () => {
    const { results, sent, request, receive } = sessionRig();
    request();
    request();
    sent();
    receive(...frames);
    assert.deepEqual(results.map(brief), [["died", "unknown"], undefined]);
    assert.deepEqual(sent(), [numbers(FRAME.RST_STREAM, 1, ERROR.PROTOCOL_ERROR)]);
    receive(headers(3, "200", { flags: END }));
    assert.equal(brief(results[1]), 200);
  });
}

const FATAL: readonly (readonly [what: string, code: number, ...frames: Frame[]])[] = [
  ["a frame on a stream that was never opened", ERROR.PROTOCOL_ERROR, headers(99, "200")],
  ["an answer on an even stream", ERROR.PROTOCOL_ERROR, headers(2, "200")],
  ["an answer on stream 0", ERROR.PROTOCOL_ERROR, headers(0, "200")],
  ["server push", ERROR.PROTOCOL_ERROR, frame(FRAME.PUSH_PROMISE, 1)],
  ["CONTINUATION without HEADERS", ERROR.PROTOCOL_ERROR, frame(FRAME.CONTINUATION, 1)],
  [
    "a frame amid a header block",
    ERROR.PROTOCOL_ERROR,
    headers(1, "200", { flags: 0 }),
    data(1, ""),
  ],
  [
    "CONTINUATION of another stream",
    ERROR.PROTOCOL_ERROR,
    headers(1, "200", { flags: 0 }),
    frame(FRAME.CONTINUATION, 3),
  ],
  ["settings on a stream", ERROR.PROTOCOL_ERROR, { ...settings(), stream: 1 }],
  [
    "settings of a wrong size",
    ERROR.FRAME_SIZE_ERROR,
    frame(FRAME.SETTINGS, 0, { payload: new Uint8Array(5) }),
  ],
  [
    "an acknowledgement with settings",
    ERROR.FRAME_SIZE_ERROR,
    { ...settings({ 1: 1 }), flags: FLAG.ACK },
  ],
  ["a server that allows push", ERROR.PROTOCOL_ERROR, settings({ [SETTING.ENABLE_PUSH]: 1 })],
  [
    "a first window that is too large",
    ERROR.FLOW_CONTROL_ERROR,
    settings({ [SETTING.INITIAL_WINDOW_SIZE]: 2 ** 31 }),
  ],
  ["frames that are too small", ERROR.PROTOCOL_ERROR, settings({ [SETTING.MAX_FRAME_SIZE]: 100 })],
  ["a PING of a wrong size", ERROR.FRAME_SIZE_ERROR, frame(FRAME.PING, 0)],
  [
    "a PING on a stream",
    ERROR.PROTOCOL_ERROR,
    frame(FRAME.PING, 1, { payload: new Uint8Array(8) }),
  ],
  ["a GOAWAY of a wrong size", ERROR.FRAME_SIZE_ERROR, frame(FRAME.GOAWAY, 0)],
  ["a GOAWAY on a stream", ERROR.PROTOCOL_ERROR, { ...goaway(0, 0), stream: 1 }],
  ["a reset of a wrong size", ERROR.FRAME_SIZE_ERROR, frame(FRAME.RST_STREAM, 1)],
  [
    "a window of the connection that does not grow",
    ERROR.PROTOCOL_ERROR,
    numbers(FRAME.WINDOW_UPDATE, 0, 0),
  ],
  [
    "a window of the connection that is too large",
    ERROR.FLOW_CONTROL_ERROR,
    numbers(FRAME.WINDOW_UPDATE, 0, 2 ** 31 - 1),
  ],
  [
    "more padding than payload",
    ERROR.PROTOCOL_ERROR,
    frame(FRAME.DATA, 1, { flags: FLAG.PADDED, payload: Uint8Array.from([9, 1]) }),
  ],
  [
    "a header block that cannot be decoded",
    ERROR.COMPRESSION_ERROR,
    frame(FRAME.HEADERS, 1, { flags: END, payload: Uint8Array.from([0x80]) }),
  ],
];

for (const [what, code, ...frames] of FATAL) {
  Deno.test(`${what} ends the connection`, () => {
    const { request, receive } = sessionRig();
    request();
    receive(headers(1, "200"));
    assert.throws(
      () => receive(...frames),
      (error) => error instanceof ProtocolError && error.errorCode === code,
    );
  });
}

Deno.test("a first frame that is not SETTINGS ends the connection", () => {
  const { receive } = sessionRig({ ready: false });
  assert.throws(() => receive(frame(FRAME.PING, 0, { payload: new Uint8Array(8) })), ProtocolError);
});

Deno.test("an endless header block ends the connection", () => {
  const { request, receive } = sessionRig();
  request();
  receive(headers(1, "200", { flags: 0 }));
  assert.throws(
    () => {
      for (let count = 0; count < 70_000; count++) receive(frame(FRAME.CONTINUATION, 1));
    },
    (error) => error instanceof ProtocolError && error.errorCode === ERROR.ENHANCE_YOUR_CALM,
  );
});

Deno.test("a server that never reads the answers it asks for ends the connection", () => {
  const { receive } = sessionRig();
  const ping = frame(FRAME.PING, 0, { payload: new Uint8Array(8) });
  assert.throws(
    () => {
      for (let count = 0; count < 3_000_000; count++) receive(ping);
    },
    (error) => error instanceof ProtocolError && error.errorCode === ERROR.ENHANCE_YOUR_CALM,
  );
});
