/** What all fakes share: turns a fault into an answer of the provider, and logs each answer. */

import type { Json } from "../core/json.ts";
import type { PushLog } from "./push_log.ts";
import { jsonReply, type ProviderAnswer, type ProviderRequest } from "./exchange.ts";
import { type FaultDecision, type Faults, PROCEED, type Provider } from "./faults.ts";

/** What every fake needs. */
export interface FakeDeps {
  readonly faults: Faults;
  readonly received: PushLog;
}

/** A provider's refusal, before it is put into its format. */
export interface FakeRefusal {
  readonly status: number;
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
}

/** An answer and what to log about it. */
export interface FakeAnswer {
  readonly answer: ProviderAnswer;
  readonly reason?: string | undefined;
  readonly id?: string | undefined;
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
      return { answer: { kind: does.kind }, reason: does.kind };
    case "goaway": {
      const debugData = JSON.stringify({ reason: does.reason });
      return { answer: { kind: "goaway", debugData }, reason: does.reason };
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

/** A push, as a fake has read it. */
interface FakePush {
  readonly provider: Provider;
  readonly token: string;
  /** Those to log; never credentials. */
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: () => Json | undefined;
}

/** What the rules of a provider say of a push. */
interface CheckedPush extends FakePush, ProviderWording {
  /** Absent: a fault decides, and otherwise it is accepted. */
  readonly refused: FakeAnswer | undefined;
  readonly accept: (decision: FaultDecision) => FakeAnswer;
}

/** Answers a push as rules and faults have it, and logs it. */
export function answerPush({ faults, received }: FakeDeps, push: CheckedPush): ProviderAnswer {
  const { provider, token, refused, accept } = push;
  const decision = refused === undefined ? faults.decide(provider, token) : PROCEED;
  const given = refused ?? applyFault(decision, push) ?? accept(decision);
  logAnswer(received, given, push);
  const { latencyMs } = decision;
  const { answer } = given;
  return answer.kind === "reply" && latencyMs > 0 ? { ...answer, latencyMs } : answer;
}

/** Logs an answer; status 0 where there is none. */
export function logAnswer(
  received: PushLog,
  { answer, reason, id }: FakeAnswer,
  { provider, token, headers, payload }: FakePush,
): void {
  received.add({
    provider,
    token,
    status: answer.kind === "reply" ? answer.status : 0,
    ...reason !== undefined && { reason },
    ...id !== undefined && { id },
    headers,
  }, payload);
}

/**
 * Returns the wording of providers that refuse with a JSON object of one field.
 *
 * @param otherwise the reason where the refusal has none
 */
export function refuseAs(field: "error" | "reason", otherwise: string) {
  return (refusal: FakeRefusal): FakeAnswer => {
    const { status, reason = otherwise } = refusal;
    return { answer: jsonReply(status, { [field]: reason }, retryAfter(refusal)), reason };
  };
}

/** Returns the `Retry-After` header of a refusal, if it has one. */
export function retryAfter(refusal: FakeRefusal): Record<string, string> {
  return refusal.retryAfterSeconds === undefined
    ? {}
    : { "retry-after": String(refusal.retryAfterSeconds) };
}

/** Returns the headers of these names that a request has. */
export function pickHeaders(
  { headers }: Pick<ProviderRequest, "headers">,
  names: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => headers[name] === undefined ? [] : [[name, headers[name]]]),
  );
}
