/**
 * The part of answering that all fakes share: a fault becomes an answer in the provider's words,
 * and whatever is answered is put down in the book of arrivals.
 */

import type { Json } from "../core/json.ts";
import type { Arrivals } from "./arrivals.ts";
import type { ProviderAnswer } from "./exchange.ts";
import type { Decision, Provider } from "./faults.ts";

/** A provider's no, before it is put into words. */
export interface FakeRefusal {
  readonly status: number;
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
}

/** An answer together with what is put down about it. */
export interface Settled {
  readonly answer: ProviderAnswer;
  /** 0: there was none. */
  readonly status: number;
  readonly reason?: string;
  readonly id?: string;
}

/** How one provider says things. */
export interface Words {
  /** Its answer for an address that is dead. */
  readonly gone: FakeRefusal;
  readonly refuse: (refusal: FakeRefusal) => Settled;
}

/** The answer that a fault asks for; undefined: go on as usual. */
export function applyFault(decision: Decision, { gone, refuse }: Words): Settled | undefined {
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
export interface RecordOptions {
  readonly arrivals: Arrivals;
  readonly provider: Provider;
  readonly token: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Names of the headers worth keeping; never those that carry credentials. */
  readonly keep: readonly string[];
  readonly payload: () => Json | undefined;
  /** Milliseconds. */
  readonly latencyMs: number;
}

/** Puts an answer down and hands it back, with its latency. */
export function record(settled: Settled, options: RecordOptions): ProviderAnswer {
  const { arrivals, provider, token, headers, keep, payload, latencyMs } = options;
  const { answer, status, reason, id } = settled;
  arrivals.add({
    provider,
    token,
    status,
    ...(reason === undefined ? {} : { reason }),
    ...(id === undefined ? {} : { id }),
    headers: pick(headers, keep),
  }, payload);
  return answer.kind === "reply" && latencyMs > 0 ? { ...answer, latencyMs } : answer;
}

/** `Retry-After` where there is something to say. */
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
