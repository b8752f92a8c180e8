/** A session whose server a test plays, frame by frame. */

import assert from "node:assert/strict";
import type { HttpFailure, HttpResult } from "../../../transports/http/mod.ts";
import type { Frame } from "../../../transports/http2/frame_reader.ts";
import { FLAG, PREFACE } from "../../../transports/http2/frames.ts";
import { Http2Session } from "../../../transports/http2/session.ts";
import { framesIn, settings } from "./_frames.ts";

/** Flags of a head that is all of an answer. */
export const END = FLAG.END_HEADERS | FLAG.END_STREAM;

/** The failure of a request that a test cancels. */
export const FAILED: HttpFailure = {
  kind: "failed",
  fault: "timeout",
  sent: "unknown",
  reason: "test",
};

/** A session, its output, and the results of its requests. */
export function sessionRig(
  { peer = {}, ready = true }: { peer?: Record<number, number>; ready?: boolean } = {},
) {
  const session = new Http2Session({ authority: "push.example:443", maxStreams: 100 });
  const results: (HttpResult | undefined)[] = [];
  let skip = PREFACE.length;

  function sent(): Frame[] {
    const frames = framesIn(session.output.take(), skip);
    skip = 0;
    return frames;
  }

  function request(body = "{}", more: Record<string, string> = {}) {
    const index = results.push(undefined) - 1;
    return session.request({
      path: "/3/device/c0ffee",
      headers: more,
      body: new TextEncoder().encode(body),
      ignoreSuccessBody: false,
      done(result) {
        assert.equal(results[index], undefined, "answered once");
        results[index] = result;
      },
    });
  }

  function receive(...frames: Frame[]) {
    for (const each of frames) session.receive(each);
  }

  if (ready) {
    receive(settings(peer));
    sent();
  }
  return { session, results, sent, request, receive };
}

/** A status, or why there is none. */
export function brief(result: HttpResult | undefined): unknown {
  return result?.kind === "failed" ? [result.fault, result.sent] : result?.status;
}
