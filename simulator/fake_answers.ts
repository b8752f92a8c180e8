/** What all fakes share: turns a fault into an answer of the provider, and logs each answer. */

import type { Json } from "../core/json.ts";
import type { PushLog } from "./push_log.ts";
import type { ProviderAnswer } from "./exchange.ts";
import type { FaultDecision, Provider } from "./faults.ts";

/** A provider's refusal, before it is put into its format. */
export interface FakeRefusal {
  readonly status: number;
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
}

/** An answer and what to log about it. */
export interface FakeAnswer {
  readonly answer: ProviderAnswer;
  /** 0: there was none. */
  readonly status: number;
  readonly reason?: string;
  readonly id?: string;
}

/** How one provider phrases its answers. */
interface ProviderWording {
  /** The answer for a dead address. */
  readonly gone: FakeRefusal;
  readonly refuse: (refusal: FakeRefusal) => FakeAnswer;
}

/** Returns the answer that a fault asks for; `undefined` to continue as usual. */
export function applyFault(
  decision: FaultDecision,
  { gone, refuse }: ProviderWording,
): FakeAnswer | undefined {
  const { does, retryAfterSeconds } = decision;
  const retry = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  switch (does.kind) {
    case "hang":
    case "reset":
      return { answer: { kind: does.kind }, status: 0, reason: does.kind };
    case "goaway": {
      const debugData = JSON.stringify({ reason: does.reason });
      return { answer: { kind: "goaway", debugData }, status: 0, reason: does.reason };
    }
    case "gone":
      return refuse(gone);
    case "answer": {
      if (does.status < 300) return undefined;
      const { status, reason } = does;
      return refuse({ status, ...retry, ...(reason === undefined ? {} : { reason }) });
    }
    default:
      return undefined;
  }
}

/** What is known of a request when it is answered. */
interface RecordOptions {
  readonly received: PushLog;
  readonly provider: Provider;
  readonly token: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Names of the headers to log; never those with credentials. */
  readonly keep: readonly string[];
  readonly payload: () => Json | undefined;
  /** Milliseconds. */
  readonly latencyMs: number;
}

/** Logs an answer and returns it with its latency. */
export function logAnswer(fakeAnswer: FakeAnswer, options: RecordOptions): ProviderAnswer {
  const { received, provider, token, headers, keep, payload, latencyMs } = options;
  const { answer, status, reason, id } = fakeAnswer;
  received.add({
    provider,
    token,
    status,
    ...(reason === undefined ? {} : { reason }),
    ...(id === undefined ? {} : { id }),
    headers: pick(headers, keep),
  }, payload);
  return answer.kind === "reply" && latencyMs > 0 ? { ...answer, latencyMs } : answer;
}

/** Returns the `Retry-After` header of a refusal, if it has one. */
export function retryAfter(refusal: FakeRefusal): Record<string, string> {
  return refusal.retryAfterSeconds === undefined
    ? {}
    : { "retry-after": String(refusal.retryAfterSeconds) };
}

function pick(
  headers: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
