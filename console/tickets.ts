/**
 * Lets the console call the API within the process as the principal who is signed in. A ticket is a
 * random credential that is valid during one call, so the API checks scopes, contexts and input as
 * for any other caller.
 */

import { randomBytes } from "node:crypto";
import type { ClientHeaders } from "../core/client_headers.ts";
import type { Principal } from "../core/principal.ts";

type Authenticate = (
  credential: string | undefined,
  client?: ClientHeaders,
) => Principal | Promise<Principal>;
type Handle = (request: Request) => Response | Promise<Response>;

/** The answer of the API to the console. */
export interface ApiAnswer {
  readonly ok: boolean;
  readonly status: number;
  // deno-lint-ignore no-explicit-any -- the API's schemas say what it is
  readonly body: any;
}

/** A call of the API. */
interface ApiCall {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly body?: unknown;
}

const TICKET_BYTES = 32;
/** Only paths count; the host is never resolved. */
const BASE = "http://console.invalid";

/** Issues tickets and recognizes them. */
export class Tickets {
  readonly #valid = new Map<string, Principal>();

  /** Returns a check of credentials that also accepts tickets. */
  accept(authenticate: Authenticate): Authenticate {
    return (credential, client) => {
      const principal = this.#valid.size === 0 || credential === undefined
        ? undefined
        : this.#valid.get(credential);
      return principal ?? authenticate(credential, client);
    };
  }

  /** Calls the API as a principal. */
  async call(handle: Handle, principal: Principal, { method, path, body }: ApiCall) {
    const ticket = `console_${randomBytes(TICKET_BYTES).toString("hex")}`;
    this.#valid.set(ticket, principal);
    try {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const response = await handle(
        new Request(`${BASE}${path}`, {
          method,
          headers: {
            authorization: `Bearer ${ticket}`,
            ...(text !== undefined && {
              "content-type": "application/json",
              "content-length": String(new TextEncoder().encode(text).length),
            }),
          },
          ...(text !== undefined && { body: text }),
        }),
      );
      return await answerOf(response);
    } finally {
      this.#valid.delete(ticket);
    }
  }
}

async function answerOf(response: Response): Promise<ApiAnswer> {
  const { ok, status } = response;
  const text = await response.text();
  return { ok, status, body: text === "" ? undefined : JSON.parse(text) };
}
