/** The client side of RFC 9113, frame by frame, without a socket. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ERROR, FLAG, FRAME, PREFACE, SETTING } from "../../../transports/http2/frames.ts";
import { HpackDecoder } from "../../../transports/http2/hpack_decoder.ts";
import { ProtocolError } from "../../../transports/http2/protocol_error.ts";
import { block, data, frame, framesIn, goaway, headers, numbers, settings } from "./_frames.ts";
import { brief, END, FAILED, sessionRig } from "./_session_rig.ts";

Deno.test("a session begins with the preface and its settings, and sends no request before the server's", () => {
  const { session, receive } = sessionRig({ ready: false });
  assert.equal(session.free, 0);
  const bytes = session.output.take();
  assert.equal(new TextDecoder().decode(bytes.subarray(0, PREFACE.length)), PREFACE);
  const [first] = framesIn(bytes, PREFACE.length);
  assert.equal(first!.type, FRAME.SETTINGS);
  receive(settings());
  assert.equal(session.free, 100);
  assert.deepEqual(framesIn(session.output.take()), [
    frame(FRAME.SETTINGS, 0, { flags: FLAG.ACK }),
  ]);
});

Deno.test("a request is a HEADERS and a DATA frame, its values never to be indexed", () => {
  const { sent, request } = sessionRig();
  request('{"a":1}', { "apns-topic": "com.example", authorization: "bearer x" });
  const [head, body] = sent();
  assert.deepEqual([head!.type, head!.flags, head!.stream], [FRAME.HEADERS, FLAG.END_HEADERS, 1]);
  const decoder = new HpackDecoder({ maxTableSize: 0, maxListSize: 4096 });
  assert.deepEqual(decoder.decode(head!.payload), [
    ...[":method", "POST", ":scheme", "https"],
    ...[":authority", "push.example:443", ":path", "/3/device/c0ffee", "content-length", "7"],
    ...["apns-topic", "com.example", "authorization", "bearer x"],
  ]);
  // 0001xxxx: a literal that no proxy may index either.
  assert.equal(head!.payload[2]! >> 4, 1);
  assert.deepEqual([body!.type, body!.flags, body!.stream], [FRAME.DATA, FLAG.END_STREAM, 1]);
  assert.equal(new TextDecoder().decode(body!.payload), '{"a":1}');
});

Deno.test("long values that repeat, or change, are sent as they are", () => {
  const { sent, request } = sessionRig();
  const tokens = ["a", "a", "b", "a", "a", "\u00ff"].map((one) => `bearer ${one.repeat(200)}`);
  for (const authorization of tokens) request("{}", { authorization });
  const heads = sent().filter(({ type }) => type === FRAME.HEADERS);
  assert.deepEqual(
    heads.map(({ payload }) =>
      new HpackDecoder({ maxTableSize: 0, maxListSize: 4096 }).decode(payload).at(-1)
    ),
    tokens,
  );
});

Deno.test("a head that is longer than a frame continues in CONTINUATION frames", () => {
  const { sent, request } = sessionRig();
  request("{}", { "x-long": "y".repeat(40_000) });
  const frames = sent();
  assert.deepEqual(frames.map(({ type, flags }) => [type, flags]), [
    [FRAME.HEADERS, 0],
    [FRAME.CONTINUATION, 0],
    [FRAME.CONTINUATION, FLAG.END_HEADERS],
    [FRAME.DATA, FLAG.END_STREAM],
  ]);
  const whole = Uint8Array.from(frames.slice(0, 3).flatMap(({ payload }) => [...payload]));
  const list = new HpackDecoder({ maxTableSize: 0, maxListSize: 65_536 }).decode(whole);
  assert.equal(list.at(-1)!.length, 40_000);
});

Deno.test("an invalid header is refused, and the next request goes out", () => {
  const { sent, request } = sessionRig();
  for (const value of ["a\nb", "a\rb", "a\0b", "€"]) {
    assert.throws(() => request("{}", { "apns-topic": value }), TypeError);
  }
  request();
  assert.deepEqual(sent().map(({ type, stream }) => [type, stream]), [
    [FRAME.HEADERS, 1],
    [FRAME.DATA, 1],
  ]);
});

Deno.test("an answer is its status, its headers and its body", () => {
  const { results, request, receive } = sessionRig();
  request();
  receive(
    headers(1, "400", { more: { "apns-id": "7" } }),
    data(1, '{"rea'),
    data(1, 'son"}', { end: true }),
  );
  const [reply] = results;
  assert.ok(reply?.kind === "reply");
  assert.equal(reply.status, 400);
  assert.equal(reply.text, '{"reason"}');
  assert.equal(reply.headers.get("apns-id"), "7");
});

Deno.test("answers come in any order, each to its request", () => {
  const { results, request, receive } = sessionRig();
  for (let count = 0; count < 3; count++) request();
  receive(headers(5, "200", { flags: END }), headers(1, "410", { flags: END }));
  assert.deepEqual(results.map(brief), [410, undefined, 200]);
});

Deno.test("interim answers and trailers are ignored", () => {
  const { results, request, receive } = sessionRig();
  request();
  receive(headers(1, "103"), headers(1, "200"), data(1, "x"));
  receive(frame(FRAME.HEADERS, 1, { flags: END, payload: block({ "grpc-status": "0" }) }));
  assert.equal(results[0]?.kind === "reply" && results[0].text, "x");
});

Deno.test("padding and priorities are not part of an answer", () => {
  const { results, request, receive } = sessionRig();
  request();
  const payload = Uint8Array.from([2, 0, 0, 0, 0, 16, ...block({ ":status": "200" }), 0, 0]);
  const flags = FLAG.END_HEADERS | FLAG.PADDED | FLAG.PRIORITY;
  receive(frame(FRAME.HEADERS, 1, { flags, payload }));
  const padded = Uint8Array.from([3, 65, 66, 0, 0, 0]);
  receive(frame(FRAME.DATA, 1, { flags: FLAG.PADDED | FLAG.END_STREAM, payload: padded }));
  assert.equal(results[0]?.kind === "reply" && results[0].text, "AB");
});

Deno.test("a header block may come in pieces", () => {
  const { results, request, receive } = sessionRig();
  request();
  const whole = block({ ":status": "200", "apns-id": "7" });
  receive(
    frame(FRAME.HEADERS, 1, { flags: FLAG.END_STREAM, payload: whole.subarray(0, 3) }),
    frame(FRAME.CONTINUATION, 1, { payload: whole.subarray(3, 9) }),
    frame(FRAME.CONTINUATION, 1, { flags: FLAG.END_HEADERS, payload: whole.subarray(9) }),
  );
  assert.equal(results[0]?.kind === "reply" && results[0].headers.get("apns-id"), "7");
});

Deno.test("a body is sent as far as the windows allow, and goes on when they grow", () => {
  const { sent, request, receive } = sessionRig({ peer: { [SETTING.INITIAL_WINDOW_SIZE]: 10 } });
  request("x".repeat(25));
  const lengths = () =>
    sent().filter(({ type }) => type === FRAME.DATA).map((
      { payload, flags },
    ) => [payload.length, flags]);
  assert.deepEqual(lengths(), [[10, 0]]);
  receive(numbers(FRAME.WINDOW_UPDATE, 1, 8));
  assert.deepEqual(lengths(), [[8, 0]]);
  // The server reduces the window, then enlarges it.
  receive(settings({ [SETTING.INITIAL_WINDOW_SIZE]: 5 }));
  receive(numbers(FRAME.WINDOW_UPDATE, 1, 5));
  assert.deepEqual(lengths(), []);
  receive(settings({ [SETTING.INITIAL_WINDOW_SIZE]: 100 }));
  assert.deepEqual(lengths(), [[7, FLAG.END_STREAM]]);
});

Deno.test("all bodies together keep to the window of the connection", () => {
  const { sent, request, receive } = sessionRig({
    peer: { [SETTING.INITIAL_WINDOW_SIZE]: 2 ** 20 },
  });
  for (let count = 0; count < 3; count++) request("x".repeat(30_000));
  const bytes = () =>
    sent().filter(({ type }) => type === FRAME.DATA)
      .reduce((sum, { payload }) => sum + payload.length, 0);
  assert.equal(bytes(), 65_535);
  receive(numbers(FRAME.WINDOW_UPDATE, 0, 10_000));
  assert.equal(bytes(), 10_000);
  receive(numbers(FRAME.WINDOW_UPDATE, 0, 100_000));
  assert.equal(bytes(), 90_000 - 75_535);
});

Deno.test("a body goes out in frames as large as the server accepts", () => {
  const { sent, request, receive } = sessionRig({
    peer: { [SETTING.INITIAL_WINDOW_SIZE]: 2 ** 20, [SETTING.MAX_FRAME_SIZE]: 20_000 },
  });
  receive(numbers(FRAME.WINDOW_UPDATE, 0, 2 ** 20));
  request("x".repeat(50_000));
  assert.deepEqual(sent().slice(1).map(({ payload }) => payload.length), [20_000, 20_000, 10_000]);
});

Deno.test("an answer before the whole body was sent ends the stream", () => {
  const { results, sent, request, receive } = sessionRig({
    peer: { [SETTING.INITIAL_WINDOW_SIZE]: 1 },
  });
  request("xyz");
  sent();
  receive(headers(1, "413", { flags: END }));
  assert.equal(brief(results[0]), 413);
  assert.deepEqual(sent(), [numbers(FRAME.RST_STREAM, 1, ERROR.CANCEL)]);
  receive(numbers(FRAME.WINDOW_UPDATE, 1, 100));
  assert.deepEqual(sent(), []);
});

Deno.test("consumed bytes are returned to the server, also those of cancelled requests", () => {
  const { sent, request, receive } = sessionRig();
  request();
  receive(headers(1, "200"));
  const piece = "x".repeat(16_384);
  for (let count = 0; count < 512; count++) receive(data(1, piece));
  const update = sent().find(({ type }) => type === FRAME.WINDOW_UPDATE);
  assert.deepEqual(update, numbers(FRAME.WINDOW_UPDATE, 0, 512 * 16_384));
});

Deno.test("an answer that is too long is cut off", () => {
  const { results, sent, request, receive } = sessionRig();
  request();
  sent();
  receive(headers(1, "500"), data(1, "x".repeat(5000)), data(1, "x".repeat(5000)));
  assert.equal(results[0]?.kind === "reply" && results[0].text.length, 8192);
  assert.deepEqual(sent(), [numbers(FRAME.RST_STREAM, 1, ERROR.CANCEL)]);
});

Deno.test("the server's limit of streams is kept, also when it shrinks below what is open", () => {
  const { session, request, receive } = sessionRig({
    peer: { [SETTING.MAX_CONCURRENT_STREAMS]: 3 },
  });
  assert.equal(session.free, 3);
  request();
  request();
  receive(settings({ [SETTING.MAX_CONCURRENT_STREAMS]: 1 }));
  assert.equal(session.free, 0);
  receive(headers(1, "200", { flags: END }), headers(3, "200", { flags: END }));
  assert.equal(session.free, 1);
});

Deno.test("GOAWAY: what came before it is answered, what came after it was not processed", () => {
  const { session, results, request, receive } = sessionRig();
  for (let count = 0; count < 3; count++) request();
  receive(goaway(3, ERROR.NO_ERROR, '{"reason":"Shutdown"}'));
  assert.equal(session.free, 0);
  assert.deepEqual(results.map(brief), [undefined, undefined, ["goaway", "no"]]);
  receive(headers(1, "200", { flags: END }));
  session.end(FAILED);
  assert.deepEqual(results.map(brief), [200, ["goaway", "unknown"], ["goaway", "no"]]);
  assert.equal(results[1]?.kind === "failed" && results[1].goawayReason, "Shutdown");
});

Deno.test("a GOAWAY that announces another one ends no request", () => {
  const { session, results, request, receive } = sessionRig();
  request();
  receive(goaway(2 ** 31 - 1, ERROR.NO_ERROR));
  assert.ok(session.isDraining);
  assert.deepEqual(results.map(brief), [undefined]);
});

Deno.test("RST_STREAM: refused is not processed, anything else is unknown", () => {
  const { results, request, receive } = sessionRig();
  for (let count = 0; count < 2; count++) request();
  receive(numbers(FRAME.RST_STREAM, 1, ERROR.REFUSED_STREAM), numbers(FRAME.RST_STREAM, 3, 2));
  assert.deepEqual(results.map(brief), [["refused_stream", "no"], ["died", "unknown"]]);
});

Deno.test("a cancelled request is reset, and late frames for it are ignored", () => {
  const { session, results, sent, request, receive } = sessionRig();
  const stream = request();
  sent();
  session.cancel(stream, FAILED);
  assert.deepEqual(sent(), [numbers(FRAME.RST_STREAM, 1, ERROR.CANCEL)]);
  receive(headers(1, "200"), data(1, "x", { end: true }), numbers(FRAME.RST_STREAM, 1, 0));
  assert.deepEqual(results.map(brief), [["timeout", "unknown"]]);
});

Deno.test("a PING is answered with the same bytes", () => {
  const { sent, receive } = sessionRig();
  const payload = new TextEncoder().encode("12345678");
  receive(frame(FRAME.PING, 0, { payload }), frame(FRAME.PING, 0, { payload, flags: FLAG.ACK }));
  assert.deepEqual(sent(), [frame(FRAME.PING, 0, { payload, flags: FLAG.ACK })]);
});

Deno.test("unknown frame types are ignored", () => {
  const { results, request, receive } = sessionRig();
  request();
  receive(
    frame(0x42, 1, { payload: new Uint8Array(9) }),
    frame(FRAME.PRIORITY, 1, { payload: new Uint8Array(5) }),
  );
  receive(headers(1, "200", { flags: END }));
  assert.equal(brief(results[0]), 200);
});

Deno.test("whatever frames come, each request is answered once and nothing but a ProtocolError is thrown", () => {
  const anyFrame = fc.record({
    type: fc.integer({ min: 0, max: 10 }),
    flags: fc.constantFrom(0, 1, 4, 5, 8, 32, 45),
    stream: fc.constantFrom(0, 1, 3, 5, 7, 2),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constant(block({ ":status": "200" })),
      fc.constant(Uint8Array.from([0, 0, 0, 3])),
      fc.constant(Uint8Array.from([0, 0, 0, 3, 0, 0, 0, 0])),
    ),
  });
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 25 }), (frames) => {
      const { session, results, request, receive } = sessionRig();
      try {
        for (const each of frames) {
          if (session.free > 0 && results.length < 4) request();
          receive(each);
        }
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
      }
      session.end(FAILED);
      assert.ok(results.every((result) => result !== undefined));
    }),
    { numRuns: 5000 },
  );
});
