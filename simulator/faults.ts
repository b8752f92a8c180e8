/**
 * Decides which fault applies to a request: scripts set through the API, for one token or a whole
 * provider, and scripts within tokens. Independent of the providers' formats.
 */

import { setNewest } from "../core/bounded_map.ts";
import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import {
  type FaultAction,
  type FaultStep,
  parseFaultScript,
  scriptInToken,
} from "./fault_script.ts";

/** The fakes that can have faults; the last three are token endpoints. */
export const PROVIDERS = [
  "apn",
  "fcm",
  "gcm",
  "wns",
  "webpush",
  "google-token",
  "wns-token",
  "entra-token",
] as const;

/** One fake that can have faults. */
export type Provider = typeof PROVIDERS[number];

/** What to do with one request. */
export interface FaultDecision {
  readonly does: FaultAction;
  /** Milliseconds. */
  readonly latencyMs: number;
  readonly retryAfterSeconds?: number;
}

/** No fault. */
export const PROCEED: FaultDecision = { does: { kind: "ok" }, latencyMs: 0 };

interface FaultSetting {
  readonly provider: Provider;
  /** `*`: every token of the provider. */
  readonly token: string;
  readonly script: string;
}

/** The current faults. */
export interface Faults {
  /**
   * Sets a script, or removes it where it is empty. A script for `*` precedes the token's own.
   *
   * @throws {ServiceError} `invalid_request` for an invalid script.
   */
  set(setting: FaultSetting): void;
  list(): readonly FaultSetting[];
  clear(): void;
  /** Decides about one request, and counts it. */
  decide(provider: Provider, token: string): FaultDecision;
}

/** A script in progress. */
interface Running {
  readonly setting: FaultSetting;
  readonly steps: readonly FaultStep[];
  step: number;
  /** Requests that the current step has had. */
  used: number;
  /** Monotonic milliseconds of the step's first request. */
  since: number;
}

/** Tokens with a script of their own that are remembered; the oldest is dropped first. */
const MAX_RUNNING = 10_000;

/** Creates an empty set of faults. */
export function createFaults(clock: Pick<Clock, "monotonic">): Faults {
  const running = new Map<string, Running>();
  // Most requests are to tokens without a script, which must cost no more than a lookup.
  const everywhere = new Map<Provider, Running>();

  function start(setting: FaultSetting): Running {
    const parsed = parseFaultScript(setting.script);
    if (!parsed.ok) {
      throw new ServiceError("invalid_request", `Cannot read the script: ${parsed.message}`);
    }
    return { setting, steps: parsed.steps, step: 0, used: 0, since: 0 };
  }

  function find(provider: Provider, token: string): Running | undefined {
    const global = everywhere.get(provider);
    if (global !== undefined) return global;
    const key = keyOf(provider, token);
    const known = running.size > 0 ? running.get(key) : undefined;
    if (known !== undefined) return known;
    const script = scriptInToken(token);
    if (script === undefined) return undefined;
    const fresh = start({ provider, token, script });
    setNewest(running, key, { value: fresh, max: MAX_RUNNING });
    return fresh;
  }

  return {
    set(setting) {
      const { provider, token, script } = setting;
      if (token === "*") {
        if (script === "") everywhere.delete(provider);
        else everywhere.set(provider, start(setting));
      } else if (script === "") running.delete(keyOf(provider, token));
      else setNewest(running, keyOf(provider, token), { value: start(setting), max: MAX_RUNNING });
    },
    list: () => [...everywhere.values(), ...running.values()].map(({ setting }) => setting),
    clear() {
      everywhere.clear();
      running.clear();
    },
    decide(provider, token) {
      let entry: Running | undefined;
      try {
        entry = find(provider, token);
      } catch {
        return { does: { kind: "answer", status: 400, reason: "BadFaultScript" }, latencyMs: 0 };
      }
      return entry === undefined ? PROCEED : advance(entry, clock.monotonic());
    },
  };
}

/** Counts a request and decides about it. A script ends after its last step. */
function advance(entry: Running, now: number): FaultDecision {
  for (;;) {
    const step = entry.steps[entry.step];
    if (step === undefined) return PROCEED;
    if (entry.used === 0) entry.since = now;
    const elapsed = now - entry.since;
    const over = (step.times !== undefined && entry.used >= step.times) ||
      (step.forMs !== undefined && elapsed >= step.forMs);
    if (over) {
      entry.step++;
      entry.used = 0;
      continue;
    }
    entry.used++;
    const retryAfterSeconds = step.retryAfterSeconds ??
      (step.forMs === undefined ? undefined : Math.ceil((step.forMs - elapsed) / 1000));
    return {
      does: step.does,
      latencyMs: step.latencyMs,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    };
  }
}

function keyOf(provider: Provider, token: string): string {
  return `${provider}\u0000${token}`;
}
