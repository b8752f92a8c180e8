/**
 * Asks the Open-Xchange middleware: whose session something is, and to take a subscription. A circuit
 * breaker stands before it, so that a middleware that hangs costs a handshake no more than the first
 * few timeouts. Keeps no answer.
 */

import { Buffer } from "node:buffer";
import type { ClientHeaders } from "../core/client_headers.ts";
import type { Clock } from "../core/clock.ts";
import { messageOf, ServiceError } from "../core/errors.ts";
import type { UserName } from "../core/events.ts";
import { isJsonObject, type JsonObject } from "../core/json.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { type Breaker, breakerAfter, CLOSED, enterBreaker } from "../delivery/mod.ts";

interface MiddlewareSettings {
  /** Base of its HTTP API, e.g. `http://middleware:8009/ajax`; empty: there is none. */
  readonly url: string;
  /** Basic credential of a proxy before it; empty: none. */
  readonly login: string;
  readonly password: string;
  readonly timeoutMs: number;
}

interface MiddlewareOptions {
  readonly settings: () => MiddlewareSettings;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "count">;
}

interface Question {
  readonly question: "whoami" | "pns";
  readonly method: "GET" | "PUT";
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly client: ClientHeaders;
  readonly body?: string;
}

const BREAKER = { threshold: 3, openMs: 1_000, maxOpenMs: 30_000 };
/** Questions under way at once; more would only wait for a middleware that does not keep up. */
const MAX_ASKING = 256;
const MAX_ANSWER_BYTES = 65_536;
/** Cookies that the middleware knows a browser by. Others are none of its business. */
const COOKIE = /^(?:open-xchange-|jsessionid$)/i;

/** The middleware behind its breaker. */
export class Middleware {
  readonly #options: MiddlewareOptions;
  #breaker: Breaker = CLOSED;
  #asking = 0;

  constructor(options: MiddlewareOptions) {
    this.#options = options;
  }

  get isConfigured(): boolean {
    return this.#options.settings().url !== "";
  }

  /** Whether the breaker keeps questions back. */
  get isOpen(): boolean {
    return this.#breaker.state === "open";
  }

  /**
   * Returns whose session it is; `undefined` where the middleware does not know it, or does not
   * accept it from this browser. Asking keeps the session alive.
   *
   * @throws {ServiceError} `middleware_unavailable`
   */
  async whoami(session: string, client: ClientHeaders): Promise<UserName | undefined> {
    return await this.#ask({
      ...{ question: "whoami", method: "GET", path: "system", client },
      parameters: { action: "whoami", session },
    }, ownerIn);
  }

  /**
   * Has the middleware take a subscription; returns its answer in its own envelope, or `undefined`
   * where it does not know the session.
   *
   * @throws {ServiceError} `middleware_unavailable`
   */
  subscription(
    { action, session, client, body }: {
      readonly action: "subscribe" | "unsubscribe";
      readonly session: string;
      readonly client: ClientHeaders;
      readonly body: JsonObject;
    },
  ): Promise<JsonObject | undefined> {
    return this.#ask({
      ...{ question: "pns", method: "PUT", path: "pns", client, body: JSON.stringify(body) },
      parameters: { action, session },
    }, (answer) => answer);
  }

  async #ask<T>(question: Question, read: (answer: JsonObject) => T): Promise<T | undefined> {
    const { clock } = this.#options;
    if (this.#asking >= MAX_ASKING) throw this.#unavailable("too many wait for its answer");
    const { pass, next } = enterBreaker(this.#breaker, clock.monotonic());
    this.#breaker = next;
    if (!pass) throw this.#unavailable("it has not answered lately");
    this.#asking++;
    try {
      const answer = await this.#exchange(question);
      const found = answer && read(answer);
      this.#settle({ kind: "sent" });
      this.#count(question.question, answer === undefined ? "refused" : "answered");
      return found;
    } catch (thrown) {
      const reason = thrown instanceof MiddlewareFault ? thrown.message : faultOf(thrown);
      this.#settle({ kind: "retry", reason });
      this.#count(question.question, "failed");
      throw this.#unavailable(reason);
    } finally {
      this.#asking--;
    }
  }

  async #exchange(question: Question): Promise<JsonObject | undefined> {
    const { settings, fetch } = this.#options;
    const { url, login, password, timeoutMs } = settings();
    const { method, path, parameters, client, body } = question;
    const query = new URLSearchParams(parameters);
    const response = await fetch(`${url.replace(/\/+$/, "")}/${path}?${query}`, {
      method,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        accept: "application/json",
        ...headersOf(client),
        ...body !== undefined && { "content-type": "application/json" },
        ...login !== "" && { authorization: basic(login, password) },
      },
      ...body !== undefined && { body },
    });
    const text = await boundedText(response, MAX_ANSWER_BYTES);
    const { status } = response;
    if (status === 403) return undefined;
    if (status !== 200) throw new MiddlewareFault(`it answered ${status}`);
    return readAnswer(text);
  }

  #settle(outcome: Parameters<typeof breakerAfter>[1]): void {
    const { clock, log } = this.#options;
    const wasOpen = this.isOpen;
    this.#breaker = breakerAfter(this.#breaker, outcome, {
      now: clock.monotonic(),
      settings: BREAKER,
    });
    if (this.isOpen && !wasOpen && this.#breaker.state === "open") {
      log.error(
        "the Open-Xchange middleware cannot be reached: open sockets stay, new ones are " +
          "refused until it answers",
        { reason: this.#breaker.reason },
      );
    } else if (wasOpen && !this.isOpen) log.info("the Open-Xchange middleware answers again");
  }

  #unavailable(reason: string): ServiceError {
    const { clock } = this.#options;
    const waitMs = this.#breaker.state === "open" ? this.#breaker.until - clock.monotonic() : 0;
    return new ServiceError(
      "middleware_unavailable",
      `Cannot ask the Open-Xchange middleware: ${reason}. Try again later`,
      { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) },
    );
  }

  #count(question: Question["question"], result: string): void {
    this.#options.metrics.count("carillon_middleware_requests_total", { question, result });
  }
}

/** The middleware answered, and nothing can be made of it. Never leaves this file. */
class MiddlewareFault extends Error {}

/**
 * The JSON of an answer; `undefined` where it says that the session is not one. Errors come in
 * answers of status 200: `SES-…` is about sessions, anything else is the middleware's own trouble.
 */
function readAnswer(text: string | undefined): JsonObject | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text ?? "");
  } catch {
    throw new MiddlewareFault("its answer is no JSON");
  }
  if (!isJsonObject(answer)) throw new MiddlewareFault("its answer is no JSON object");
  const { code } = answer;
  if (typeof code !== "string" || answer.error === undefined) return answer;
  if (code.startsWith("SES-")) return undefined;
  // What is wrong with a subscription is for the client to hear.
  if (code.startsWith("PNS-") || code.startsWith("SVL-")) return answer;
  throw new MiddlewareFault(`it answered with the error ${code.slice(0, 32)}`);
}

function ownerIn({ data }: JsonObject): UserName {
  const owner = isJsonObject(data) ? data : {};
  const context = idOf(owner.context_id);
  const user = idOf(owner.user_id);
  if (context !== undefined && user !== undefined) return { context, user };
  throw new MiddlewareFault("its answer names no user");
}

function headersOf(
  { cookie, userAgent, forwardedFor }: ClientHeaders,
): Readonly<Record<string, string>> {
  const cookies = cookie === undefined ? "" : middlewareCookies(cookie);
  return {
    ...cookies !== "" && { cookie: cookies },
    ...userAgent !== undefined && { "user-agent": userAgent },
    ...forwardedFor !== undefined && { "x-forwarded-for": forwardedFor },
  };
}

/** The middleware's own cookies of a `Cookie` header, in order of name. */
export function middlewareCookies(header: string): string {
  return header.split(";").map((part) => part.trim())
    .filter((part) => COOKIE.test(part.split("=", 1)[0]!.trim())).sort().join("; ");
}

function faultOf(thrown: unknown): string {
  if (thrown instanceof DOMException && thrown.name === "TimeoutError") {
    return "it does not answer in time";
  }
  // The message names the address, and that has the session in it.
  return thrown instanceof TypeError ? "no connection comes about" : messageOf(thrown, 100);
}

function idOf(value: unknown): string | undefined {
  return Number.isSafeInteger(value) && value as number > 0 ? String(value) : undefined;
}

function basic(login: string, password: string): string {
  return `Basic ${Buffer.from(`${login}:${password}`).toString("base64")}`;
}

/**
 * Returns the text of a response; `undefined` where it is longer than `maxBytes`, and the rest is
 * then not read.
 */
async function boundedText(
  response: Response,
  maxBytes: number,
): Promise<string | undefined> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
