/**
 * A mock Open-Xchange middleware: logins and session checks in, push subscriptions, webhooks out, and
 * faults. It speaks the parts of the HTTP API that a push service and the App Suite's sockets need,
 * below `/ajax` and `/appsuite/api`, and an API of its own below `/control`. Holds no mail.
 */

import { type Clock, systemClock } from "../../core/clock.ts";
import { Accounts, type Login } from "./accounts.ts";
import { answerControl } from "./control.ts";
import { errorAnswer, type MiddlewareFaultKind, misbehave } from "./faults.ts";
import {
  type MiddlewareEvent,
  type WebhookFault,
  type WebhookRequest,
  webhookRequest,
  type WebhookTarget,
} from "./webhooks.ts";

export type { Login } from "./accounts.ts";
export type { WebhookFault } from "./webhooks.ts";

interface MiddlewareOptions {
  readonly fetch: typeof fetch;
  readonly webhook: WebhookTarget;
  /** @default {systemClock} */
  readonly clock?: Pick<Clock, "now">;
  /** @default {"127.0.0.1"} */
  readonly hostname?: string;
  /** Absent or 0: any free port. */
  readonly port?: number;
}

/** A running mock middleware. */
export interface MockMiddleware extends AsyncDisposable {
  /** Its address without a path. */
  readonly origin: string;
  /** Base of its HTTP API. */
  readonly url: string;
  readonly accounts: Accounts;
  /** Questions answered, and those that were left hanging: `whoami`, `subscribe` and so on. */
  readonly asked: readonly string[];
  fault: MiddlewareFaultKind | undefined;
  webhook: WebhookTarget;
  login(who: Pick<Login, "context" | "user" | "userAgent">): Login;
  /** Sends an event to the webhooks that want it; the statuses that they answered with. */
  emit(event: MiddlewareEvent, fault?: WebhookFault): Promise<readonly number[]>;
  /** Sends the last webhook once more, byte for byte. */
  repeat(): Promise<number>;
}

/** Statuses on which the original removes the subscription. */
const REMOVES: ReadonlySet<number> = new Set([403, 404, 405]);

/** Starts it. */
export function startMiddleware(options: MiddlewareOptions): MockMiddleware {
  const { clock = systemClock, hostname = "127.0.0.1", port = 0 } = options;
  const accounts = new Accounts();
  const asked: string[] = [];
  const hanging = new AbortController();
  let last: WebhookRequest | undefined;

  const server = Deno.serve({ hostname, port, onListen: () => {} }, async (request) => {
    const url = new URL(request.url);
    const [, name] = /^\/(?:ajax|appsuite\/api)\/(\w+)$/.exec(url.pathname) ?? [];
    if (name === undefined) return await answerControl(mock, request);
    asked.push(url.searchParams.get("action") ?? name);
    return mock.fault ? await misbehave(mock.fault, hanging.signal) : await answer(name, {
      ...{ request, url },
    });
  });

  async function answer(
    name: string,
    { request, url }: { readonly request: Request; readonly url: URL },
  ): Promise<Response> {
    const action = url.searchParams.get("action");
    if (name === "login" && action === "login") return await logIn(request, url);
    const login = accounts.find(url.searchParams.get("session") ?? "", request.headers);
    if (!login) return errorAnswer("SES-0203", "Your session expired. Please login again.");
    if (name === "login" && action === "logout") {
      accounts.logout(login.session);
      return new Response(null);
    }
    const { session, user, context } = login;
    if (name === "system" && action === "whoami") {
      const data = { session, user: `user${user}`, user_id: user, context_id: context };
      return Response.json({ data: { ...data, locale: "en_US" } });
    }
    if (name === "pns") return await pns(login, action, await request.json());
    return errorAnswer("SVL-0001", "Unknown module or action");
  }

  async function logIn(request: Request, url: URL): Promise<Response> {
    const form = new URLSearchParams(request.method === "POST" ? await request.text() : "");
    const name = form.get("name") ?? url.searchParams.get("name") ?? "";
    const [, user, context] = /^user(\d+)@(\d+)$/.exec(name) ?? [];
    if (context === undefined) {
      return errorAnswer("LGI-0006", "The user name or password is incorrect.");
    }
    const userAgent = request.headers.get("user-agent") ?? "";
    const login = mock.login({ context: Number(context), user: Number(user), userAgent });
    const headers = new Headers({ "content-type": "application/json" });
    for (const cookie of login.cookie.split("; ")) {
      headers.append("set-cookie", `${cookie}; Path=/; HttpOnly`);
    }
    const { session } = login;
    return new Response(
      JSON.stringify({ session, user: name, user_id: login.user, context_id: login.context }),
      { headers },
    );
  }

  function pns(
    { context, user }: Login,
    action: string | null,
    { client = "", topics = [], transport, expires = 0 }: {
      readonly client?: string;
      readonly topics?: readonly string[];
      readonly transport?: string;
      readonly expires?: number;
    },
  ): Response {
    if (transport !== "webhook" || client !== mock.webhook.id) {
      return errorAnswer("PNS-0012", "The subscription is denied");
    }
    const bad = topics.find((topic) => !/^(?:\*|[\w-]+(?::[\w-]+)*(?::\*)?)$/.test(topic));
    if (bad !== undefined) return errorAnswer("PNS-0007", "The topic is invalid");
    if (action === "unsubscribe") accounts.unsubscribe({ context, user, client });
    else accounts.subscribe({ context, user, client, topics, expires });
    return Response.json({ data: { success: true } });
  }

  async function post(request: WebhookRequest): Promise<number> {
    const response = await options.fetch(request.url, request.init);
    await response.body?.cancel();
    return response.status;
  }

  const origin = `http://${hostname}:${server.addr.port}`;
  const mock: MockMiddleware = {
    ...{ origin, url: `${origin}/ajax`, accounts, asked },
    fault: undefined,
    webhook: options.webhook,
    login: (who) => accounts.login(who),
    async emit(event, fault) {
      const { context, user } = event;
      const now = clock.now();
      const wanted = accounts.interested({ ...event, now });
      return await Promise.all(wanted.map(async ({ client }) => {
        last = webhookRequest(mock.webhook, event, { now, fault });
        const status = await post(last);
        if (REMOVES.has(status)) accounts.unsubscribe({ context, user, client });
        return status;
      }));
    },
    async repeat() {
      if (!last) throw new Error("Cannot repeat a webhook: none was sent");
      return await post(last);
    },
    async [Symbol.asyncDispose]() {
      hanging.abort();
      await server.shutdown();
    },
  };
  return mock;
}
