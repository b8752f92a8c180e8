/**
 * A small language for faults of a fake provider: `500 twice, then gone`, `429 for 3 s`, `hang`,
 * `reset`, `ok after 200 ms`. This file parses it; `faults.ts` decides which step applies.
 *
 *     script   = step *( ("," / "then") step )
 *     step     = what *( modifier )
 *     what     = "ok" / "gone" / "hang" / "reset" / "goaway" [reason] / "moved" token
 *                / status [reason]
 *     modifier = "once" / "twice" / count "times" / "for" time / "after" time / "retry" time
 *     time     = number ("ms" / "s" / "min")
 *
 * A token may contain its own script (see {@link scriptInToken}), so that nothing needs to be set.
 */

/** What a fake does instead of its normal answer. */
export type FaultAction =
  | { readonly kind: "ok" }
  /** The address is dead, in the words of each provider. */
  | { readonly kind: "gone" }
  /** Never answers. */
  | { readonly kind: "hang" }
  /** Breaks the connection without an answer. */
  | { readonly kind: "reset" }
  /** Sends a GOAWAY on HTTP/2; breaks other connections. */
  | { readonly kind: "goaway"; readonly reason: string }
  /** Accepts, and names another token to use from now on. */
  | { readonly kind: "moved"; readonly token: string }
  /** An answer; for status 200 the reason is an error within the answer. */
  | { readonly kind: "answer"; readonly status: number; readonly reason?: string };

/** One step of a script: the action, its delay, and how long it applies. */
export interface FaultStep {
  readonly does: FaultAction;
  /** Milliseconds before the answer, in addition to the general latency. */
  readonly latencyMs: number;
  /** Value of `Retry-After`; absent: the rest of `forMs`, or no header. */
  readonly retryAfterSeconds?: number;
  /** Ends after this many requests. */
  readonly times?: number;
  /** Ends this many milliseconds after its first request. */
  readonly forMs?: number;
}

/** The steps of a script, or why it is invalid. */
type ParsedScript =
  | { readonly ok: true; readonly steps: readonly FaultStep[] }
  | { readonly ok: false; readonly message: string };

const MAX_LENGTH = 200;
const WORD = /\d+(?=ms\b|s\b|min\b)|[A-Za-z_]+[\w-]*|\d+|\S/g;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000 };
const PLAIN = ["ok", "gone", "hang", "reset"] as const;
const RESERVED = new Set(["once", "twice", "for", "after", "retry", "then"]);

/** Parses a script. */
export function parseFaultScript(text: string): ParsedScript {
  if (text.length > MAX_LENGTH) return no(`a script has at most ${MAX_LENGTH} characters`);
  const words = text.match(WORD) ?? [];
  const steps: FaultStep[] = [];
  let at = 0;
  for (;;) {
    const step = parseStep(words, at);
    if ("message" in step) return no(step.message);
    steps.push(step.step);
    at = step.next;
    if (at >= words.length) return { ok: true, steps };
    // `,`, `then` and `, then` all separate steps.
    if (words[at] === ",") at++;
    if (words[at] === "then") at++;
  }
}

/**
 * Returns the script in a token: `fault:500-twice:anything`, with `-` for spaces and `.` for
 * commas; for APNs, whose tokens are hexadecimal, the bytes of the same text up to the first zero.
 */
export function scriptInToken(token: string): string | undefined {
  const text = token.startsWith(HEX_PREFIX) ? fromHex(token) : token;
  if (!text.startsWith(PREFIX)) return undefined;
  const script = text.slice(PREFIX.length).split(":")[0] ?? "";
  return script.replaceAll("-", " ").replaceAll(".", ",");
}

/** Creates a token that contains a script; `unique` distinguishes tokens with the same script. */
export function faultToken(script: string, unique: string): string {
  return `${PREFIX}${script.replaceAll(/\s*,\s*/g, ".").replaceAll(/\s+/g, "-")}:${unique}`;
}

/** The same for APNs: hexadecimal, and 32 bytes like a real token where the script is short. */
export function hexFaultToken(script: string, unique: string): string {
  return new TextEncoder().encode(faultToken(script, unique)).toHex().padEnd(64, "0");
}

const PREFIX = "fault:";
const HEX_PREFIX = "6661756c743a";

type Step =
  | { readonly step: FaultStep; readonly next: number }
  | { readonly message: string };

function parseStep(words: readonly string[], start: number): Step {
  let at = start;
  const what = words[at++];
  if (what === undefined) return { message: "a step is missing" };
  let does: FaultAction;
  const plain = PLAIN.find((kind) => kind === what);
  if (plain !== undefined) does = { kind: plain };
  else if (what === "goaway") {
    does = { kind: "goaway", reason: isReason(words[at]) ? words[at++]! : "Shutdown" };
  } else if (what === "moved") {
    const token = words[at++];
    if (token === undefined) return { message: "'moved' needs the new token" };
    does = { kind: "moved", token };
  } else if (/^[2-5]\d\d$/.test(what)) {
    const status = Number(what);
    does = isReason(words[at])
      ? { kind: "answer", status, reason: words[at++]! }
      : { kind: "answer", status };
  } else return { message: `'${what}' is not a known action` };

  const limits: Mutable<Omit<FaultStep, "does">> = { latencyMs: 0 };
  while (at < words.length && words[at] !== "," && words[at] !== "then") {
    const word = words[at++]!;
    if (word === "once") limits.times = 1;
    else if (word === "twice") limits.times = 2;
    else if (/^\d+$/.test(word) && words[at] === "times") {
      limits.times = Number(word);
      at++;
    } else if (word === "for" || word === "after" || word === "retry") {
      const ms = Number(words[at++]) * (UNIT_MS[words[at++] ?? ""] ?? NaN);
      if (Number.isNaN(ms)) return { message: `'${word}' needs a time such as '3 s'` };
      if (word === "for") limits.forMs = ms;
      else if (word === "after") limits.latencyMs = ms;
      else limits.retryAfterSeconds = Math.ceil(ms / 1000);
    } else return { message: `'${word}' is not understood` };
  }
  return { step: { does, ...limits }, next: at };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function isReason(word: string | undefined): boolean {
  return word !== undefined && /^[A-Za-z]/.test(word) && !RESERVED.has(word);
}

function no(message: string): ParsedScript {
  return { ok: false, message };
}

function fromHex(hex: string): string {
  const [text] = /^(?:(?!00)[0-9a-f]{2})*/i.exec(hex)!;
  return new TextDecoder().decode(Uint8Array.fromHex(text));
}
