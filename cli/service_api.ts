/** The HTTP API of a service as commands call it: the key from the environment, faults as exits. */

import { messageOf } from "../core/errors.ts";
import { type Input, textOption } from "./definition.ts";
import type { CliDeps } from "./deps.ts";
import { CliError } from "./exit_codes.ts";

/** Where a service is without `--url` and `CARILLON_URL`. */
const DEFAULT_URL = "http://localhost:8080";

/** What a request has besides its path. */
interface Sent {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Requests with one credential to one service. */
interface ServiceApi {
  readonly address: string;
  /**
   * Sends a request and returns what the JSON of the answer stands for.
   *
   * @throws {CliError} with the exit code that fits the answer
   */
  // deno-lint-ignore no-explicit-any -- commands read what the API's description says
  call(method: string, path: string, sent?: Sent): Promise<any>;
  /** Reads an answer that is no JSON. */
  text(path: string): Promise<string>;
}

/** The service that the command line and the environment name. */
export function serviceAddressOf(input: Input, deps: CliDeps): string {
  const address = textOption(input, "url") || deps.variables.CARILLON_URL || DEFAULT_URL;
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new CliError("usage", `'${address}' is no http or https address`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new CliError("usage", "The address must not have a password in it: set CARILLON_KEY");
  }
  return address.replace(/\/+$/, "");
}

/**
 * Opens the API. The key comes from `CARILLON_KEY`; where that is not set, from a prompt.
 *
 * @throws {CliError} where there is no key
 */
export async function openApi(input: Input, deps: CliDeps): Promise<ServiceApi> {
  const { variables, readSecret, fetch, signal } = deps;
  const address = serviceAddressOf(input, deps);
  const key = variables.CARILLON_KEY || await readSecret("API key: ");
  if (!key) throw new CliError("usage", "Set CARILLON_KEY to an API key of the service");
  return createServiceApi({ address, key: key.trim(), fetch, signal });
}

/** Requests with a key, or without one. */
export function createServiceApi({ address, key, fetch, signal }: {
  readonly address: string;
  readonly key?: string | undefined;
  readonly fetch: typeof globalThis.fetch;
  readonly signal?: AbortSignal;
}): ServiceApi {
  async function send(
    method: string,
    path: string,
    { body, headers }: Sent = {},
  ): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(address + path, {
        method,
        headers: {
          ...headers,
          ...key !== undefined && { authorization: `Bearer ${key}` },
          ...body !== undefined && { "content-type": "application/json" },
        },
        ...body !== undefined && { body: JSON.stringify(body) },
        ...signal && { signal },
      });
    } catch (cause) {
      throw new CliError("unreachable", `${address} does not answer: ${reasonOf(cause)}`);
    }
    if (!response.ok) throw await refusal(response, `${method} ${path}`);
    return response;
  }
  return {
    address,
    async call(method, path, sent) {
      const text = await (await send(method, path, sent)).text();
      try {
        return text === "" ? undefined : JSON.parse(text);
      } catch {
        throw new CliError("failed", `${method} ${path}: no JSON: is the service at ${address}?`);
      }
    },
    text: async (path) => await (await send("GET", path)).text(),
  };
}

/** `fetch` says only that it failed; what failed is the cause. */
function reasonOf(thrown: unknown): string {
  const { cause } = thrown as { readonly cause?: unknown };
  return messageOf(cause ?? thrown, 300);
}

async function refusal(response: Response, what: string): Promise<CliError> {
  const { status } = response;
  const text = await response.text();
  const exit = status === 401 || status === 403
    ? "refused"
    : status === 404
    ? "notFound"
    : "failed";
  const hint = status === 404 && FOR_OPERATORS.test(what) ? `\n${INTERNAL_HINT}` : "";
  return new CliError(exit, `${what}: ${status} ${reasonIn(text)}${hint}`);
}

/** What the public port, and the proxies in `deploy/`, do not have beside an internal listener. */
const FOR_OPERATORS = / \/(?:metrics|v1\/admin\b)/;
const INTERNAL_HINT = "Where io.carillon.internal.port is set, this is at that listener: --url " +
  "http://127.0.0.1:<port>";

/** The detail and the faults of a problem (RFC 9457), or the text itself. */
function reasonIn(text: string): string {
  try {
    const { detail, faults = [] } = JSON.parse(text) as {
      readonly detail?: string;
      readonly faults?: readonly { readonly path: string; readonly message: string }[];
    };
    const lines = faults.map(({ path, message }) => `\n  ${path}: ${message}`);
    return (detail ?? text) + lines.join("");
  } catch {
    // A proxy's page says no more than the status.
    return /^\s*</.test(text) ? "(a page of a proxy)" : text.slice(0, 500);
  }
}

/** A query with only the parameters that have a value. */
export function query(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] =>
    entry[1] !== undefined
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}
