/** Answers of providers that are wrong, large, without end, or lead elsewhere. */

import { gzipSync } from "node:zlib";
import { spoiledBody } from "./_bodies.ts";
import type { Dice } from "./_fuzz.ts";

/** An answer that is to be given. */
interface BadAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array<ArrayBuffer>;
  /** What becomes of the body once that has been sent. */
  readonly after: "end" | "silence" | "endless" | "break";
}

const STATUSES = [
  200,
  200,
  200,
  201,
  204,
  304,
  400,
  401,
  403,
  404,
  405,
  410,
  413,
  429,
  500,
  502,
  503,
];
const BODIES: readonly unknown[] = [
  { reason: "BadDeviceToken", timestamp: 1_700_000_000_000 },
  { reason: "__proto__" },
  {
    error: {
      code: 404,
      status: "NOT_FOUND",
      details: [{ "@type": "x", errorCode: "UNREGISTERED" }],
    },
  },
  { error: { status: "UNAUTHENTICATED", details: [null, 1, { retryDelay: "1e9s" }] } },
  { name: "projects/demo-project/messages/1" },
  { results: [{ error: "NotRegistered" }, { registration_id: "x" }], failure: 1, canonical_ids: 1 },
  { access_token: "token", expires_in: 3600, token_type: "Bearer" },
  { access_token: "a\r\nb", expires_in: -1 },
  { access_token: ["x"], expires_in: "1e400" },
];
const HEADERS: readonly (readonly [string, string])[] = [
  ["retry-after", "1e400"],
  ["retry-after", "-5"],
  ["retry-after", "Thu, 01 Jan 9999 00:00:00 GMT"],
  ["retry-after", "999999999999"],
  ["content-type", "text/html; charset=utf-16"],
  ["content-encoding", "gzip"],
  ["content-encoding", "br, gzip"],
  ["content-encoding", "zstd"],
  ["x-wns-status", "dropped"],
  ["x-wns-devicevconnectionstatus", "disconnected"],
  ["x-wns-error-description", "x".repeat(5000)],
  ["apns-id", "not-an-id"],
  ["apns-unique-id", "y".repeat(3000)],
  ["location", "::::"],
];
/** What is added to an answer, or put in its place. */
const TWISTS = [
  "none",
  "none",
  "none",
  "none",
  "redirect",
  "redirect",
  "bomb",
  "length",
  "noise",
] as const;

/** Zeros, 200 MiB of them. */
const TEN_MIB = gzipSync(new Uint8Array(10 * 2 ** 20));
const BOMB = new Uint8Array(TEN_MIB.length * 20);
for (let n = 0; n < 20; n++) BOMB.set(TEN_MIB, n * TEN_MIB.length);

/** A random one; redirects lead to the trap, or to forbidden addresses. */
export function badAnswer(dice: Dice, trap: string): BadAnswer {
  const headers: Record<string, string> = {};
  for (let n = dice.below(3); n > 0; n--) {
    const [name, value] = dice.pick(HEADERS);
    headers[name] = value;
  }
  let status = dice.pick(STATUSES);
  let body = spoiledBody(dice.pick(BODIES), dice);
  switch (dice.pick(TWISTS)) {
    case "redirect":
      status = dice.pick([301, 302, 303, 307, 308]);
      headers["location"] = dice.pick([
        `${trap}/moved`,
        "http://169.254.169.254/",
        "/again",
        "//[::1]/",
      ]);
      break;
    case "bomb":
      headers["content-encoding"] = "gzip";
      body = BOMB;
      break;
    case "length":
      headers["content-length"] = dice.pick([
        "0",
        "1",
        "999999999999",
        "-1",
        "x",
        `${body.length + 1}`,
      ]);
      break;
    case "noise":
      body = noise(dice, dice.below(20_000));
  }
  const after = dice.chance(0.7) ? "end" : dice.pick(["silence", "endless", "break"] as const);
  return { status, headers, body, after };
}

/** Bytes that mean nothing. */
export function noise(dice: Dice, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => dice.below(256));
}
