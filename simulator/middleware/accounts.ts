/**
 * The sessions and push subscriptions of the mock middleware, with the checks that the real one makes:
 * a session counts with the secret cookie and the user agent of its login only.
 */

import { createHash } from "node:crypto";

/** A user who logged in. */
export interface Login {
  readonly session: string;
  /** The value of the `Cookie` header that the browser sends from now on. */
  readonly cookie: string;
  readonly userAgent: string;
  readonly context: number;
  readonly user: number;
}

/** A push subscription with a webhook. */
interface WebhookSubscription {
  readonly context: number;
  readonly user: number;
  readonly client: string;
  readonly topics: readonly string[];
  /** Epoch milliseconds; 0: never. */
  readonly expires: number;
}

/** Who is logged in, and subscribed to what. */
export class Accounts {
  readonly #logins = new Map<string, Login>();
  #subscriptions: readonly WebhookSubscription[] = [];

  login({ context, user, userAgent }: Pick<Login, "context" | "user" | "userAgent">): Login {
    const session = random(16);
    const hash = createHash("md5").update(userAgent).digest("hex");
    const cookie = `open-xchange-secret-${hash}=${random(16)}; JSESSIONID=${random(8)}.OX1`;
    const login = { session, cookie, userAgent, context, user };
    this.#logins.set(session, login);
    return login;
  }

  /** Ends a session; false where there is none. */
  logout(session: string): boolean {
    return this.#logins.delete(session);
  }

  /** The user of a session that comes from the browser of its login. */
  find(session: string, headers: Headers): Login | undefined {
    const login = this.#logins.get(session);
    if (!login || headers.get("user-agent") !== login.userAgent) return undefined;
    const [secret] = login.cookie.split("; ");
    const cookies = (headers.get("cookie") ?? "").split(/; */);
    return cookies.includes(secret!) ? login : undefined;
  }

  get subscriptions(): readonly WebhookSubscription[] {
    return this.#subscriptions;
  }

  subscribe(subscription: WebhookSubscription): void {
    this.unsubscribe(subscription);
    this.#subscriptions = [...this.#subscriptions, subscription];
  }

  unsubscribe({ context, user, client }: Omit<WebhookSubscription, "topics" | "expires">): void {
    this.#subscriptions = this.#subscriptions.filter((one) =>
      one.context !== context || one.user !== user || one.client !== client
    );
  }

  /** Who is told of an event, by the original's rules for topics. */
  interested(
    { context, user, event, now }: {
      readonly context: number;
      readonly user: number;
      readonly event: string;
      readonly now: number;
    },
  ): readonly WebhookSubscription[] {
    return this.#subscriptions.filter((one) =>
      one.context === context && one.user === user && (one.expires === 0 || one.expires > now) &&
      one.topics.some((topic) =>
        topic === "*" || topic === event ||
        (topic.endsWith(":*") && event.startsWith(topic.slice(0, -1)))
      )
    );
  }
}

function random(bytes: number): string {
  return crypto.getRandomValues(new Uint8Array(bytes)).toHex();
}
