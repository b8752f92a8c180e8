/** A sender of either engine, with a clock of the test. */

import type { HttpFailure, HttpResult, HttpSender } from "../../transports/http/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { makeCertificate } from "../support/certificate.ts";
import type { MakeEngine } from "../transports/http/_engines.ts";

/** The servers' certificate, which is its own authority. */
export const pair = await makeCertificate();
/** What must not be in any reason. */
export const TOKEN = "c0ffee";
/** The time limit of a request, in milliseconds. */
export const TIMEOUT_MS = 10_000;
const never = new AbortController().signal;

/** A sender and what belongs to it. */
interface SenderRig extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly sender: HttpSender;
  post(request?: Partial<Parameters<HttpSender["post"]>[1]>): Promise<HttpResult>;
}

/** Opens one to an origin. */
export function senderRig(
  makeEngine: MakeEngine,
  { origin, connections = 1, caCerts = [pair.cert] }: {
    readonly origin: string;
    readonly connections?: number;
    readonly caCerts?: readonly string[];
  },
): SenderRig {
  const clock = new FakeClock();
  const sender = makeEngine(clock, { connections })
    .open({ origin, caCerts, timeoutMs: TIMEOUT_MS });
  return {
    clock,
    sender,
    post: (request) =>
      sender.post(`${origin}/3/device/${TOKEN}`, {
        headers: {},
        body: "{}",
        signal: never,
        ...request,
      }),
    [Symbol.asyncDispose]: () => sender[Symbol.asyncDispose](),
  };
}

/** Why there was no answer, and whether the request was sent. */
export function brief(result: HttpResult): [HttpFailure["fault"], HttpFailure["sent"]] | undefined {
  return result.kind === "failed" ? [result.fault, result.sent] : undefined;
}
