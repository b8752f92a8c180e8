/** A client of the HTTP API for tests, for a service in this process or in another one. */

import assert from "node:assert/strict";
import type { LedgerRecord, TargetRecord } from "../../core/ledger.ts";
import { until } from "./until.ts";

/** A response, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // deno-lint-ignore no-explicit-any -- a test says what it expects by asserting it
  readonly body: any;
}

/** Options of a request besides method and path. */
export interface CallOptions {
  /** Sent as JSON; a text or a stream is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bearer token; the admin key where absent, none where `null`. */
  readonly key?: string | null;
}

/** A notification to publish; absent fields have defaults. */
export type Fields = Readonly<Record<string, unknown>>;

/** One target of a record, as the API returns it. */
type SettledTarget = Omit<TargetRecord, "at"> & { readonly at: string };

/** A record of the ledger, as the API returns it. */
export type Settled = Omit<LedgerRecord, "acceptedAt" | "targets"> & {
  readonly acceptedAt: string;
  readonly targets: readonly SettledTarget[];
};

/** The part of a problem's faults that tests check. */
interface Faulty {
  readonly faults: readonly { readonly path: string; readonly code?: string }[];
}

/** The "new mail" example for user 3 of context 1. */
export const NEW_MAIL = {
  context: "1",
  user: "3",
  topic: "ox:mail:new",
  data: {
    folder: "default0/INBOX",
    id: "113",
    email: "jane.doe@foobar.com",
    displayname: "Jane Doe",
    subject: "Let's meet",
    unread: 83,
    teaser: "Hello",
  },
} as const;

/** Requests to one address with one admin key. */
export class Api {
  constructor(readonly address: string, readonly adminKey: string) {}

  async call(
    method: string,
    path: string,
    { body, headers = {}, key = this.adminKey }: CallOptions = {},
  ): Promise<Answer> {
    const raw = typeof body === "string" || body instanceof ReadableStream;
    const response = await fetch(`${this.address}${path}`, {
      method,
      headers: {
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: raw ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get("content-type") ?? "");
    const { status } = response;
    return { status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
  }

  /** Publishes one notification, which must be accepted; returns its id. */
  async publish(fields: Fields = {}): Promise<string> {
    const { status, body } = await this.call("POST", "/v1/notifications", {
      body: { ...NEW_MAIL, ...fields },
    });
    assert.equal(status, 202, JSON.stringify(body));
    return body.ids[0];
  }

  /** Publishes a batch, which must be accepted; returns the ids. */
  async publishAll(all: readonly Fields[]): Promise<readonly string[]> {
    const { status, body } = await this.call("POST", "/v1/notifications", {
      body: { notifications: all.map((fields) => ({ ...NEW_MAIL, ...fields })) },
    });
    assert.equal(status, 202, JSON.stringify(body));
    return body.ids;
  }

  /** Returns a session token for a user. */
  async mint(user: string | number = "3", context: string | number = "1"): Promise<string> {
    return (await this.mintSession({ context, user })).token;
  }

  async mintSession(fields: Fields = {}) {
    const { status, body } = await this.call("POST", "/v1/sessions", {
      body: { context: "1", user: "3", ...fields },
    });
    assert.equal(status, 201, JSON.stringify(body));
    return body as { readonly id: string; readonly token: string; readonly expires: string };
  }

  /** Creates an API key; returns its secret. */
  async mintKey(...scopes: readonly string[]): Promise<string> {
    return (await this.mintKeyOf({ scopes })).secret;
  }

  async mintKeyOf(fields: Fields) {
    const { status, body } = await this.call("POST", "/v1/keys", {
      body: { name: "a test", ...fields },
    });
    assert.equal(status, 201, JSON.stringify(body));
    return body as { readonly id: string; readonly secret: string };
  }

  /** Subscribes, which must succeed; returns the subscription's id. */
  async subscribe(fields: Fields): Promise<string> {
    const { status, body } = await this.call("POST", "/v1/subscriptions", {
      body: { context: "1", user: "3", topics: ["*"], ...fields },
    });
    assert.ok(status === 200 || status === 201, JSON.stringify(body));
    return body.id;
  }

  /** Waits until a notification is final; returns its record. */
  settled(id: string): Promise<Settled> {
    return until<Settled>(`notification ${id} is settled`, async () => {
      const { status, body } = await this.call("GET", `/v1/notifications/${id}`);
      assert.equal(status, 200, JSON.stringify(body));
      return body.state !== "in_flight" && body;
    });
  }
}

/** Asserts that an answer is a problem (RFC 9457), e.g. `404 not_found`. */
export function assertProblem(answer: Answer, expected: string): void {
  assert.equal(`${answer.status} ${answer.body?.code}`, expected, answer.text);
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
  const { type, title, status, code, detail } = answer.body;
  assert.equal(`${status} ${type}`, `${answer.status} urn:carillon:error:${code}`);
  assert.ok(title.length > 0 && detail.length > 0);
}

/** Returns the paths of a problem's faults. */
export function pathsOf(answer: Answer): readonly string[] {
  return (answer.body as Faulty).faults.map(({ path }) => path);
}
