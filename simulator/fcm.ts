/** A fake of FCM HTTP v1: `POST /v1/projects/<project>/messages:send` with an access token. */

import type { IssuedTokens } from "./access_tokens.ts";
import { bodyJson, jsonReply, type ProviderHandler } from "./exchange.ts";
import { checkFcmBody, type FcmCheckResult } from "./fcm_rules.ts";
import {
  answerPush,
  type FakeAnswer,
  type FakeDeps,
  type FakeRefusal,
  retryAfter,
} from "./fake_answers.ts";

interface FcmOptions extends FakeDeps {
  readonly projectId: string;
  readonly tokens: IssuedTokens;
}

const PATH = /^\/v1\/projects\/([^/]+)\/messages:send$/;
const ERROR_TYPE = "type.googleapis.com/google.firebase.fcm.v1.FcmError";
const GONE: FakeRefusal = { status: 404, reason: "UNREGISTERED" };

/** Google's `status` and the usual `errorCode` of an HTTP status. */
const CODES: Readonly<Record<number, { readonly status: string; readonly errorCode?: string }>> = {
  400: { status: "INVALID_ARGUMENT", errorCode: "INVALID_ARGUMENT" },
  401: { status: "UNAUTHENTICATED" },
  403: { status: "PERMISSION_DENIED" },
  404: { status: "NOT_FOUND" },
  429: { status: "RESOURCE_EXHAUSTED", errorCode: "QUOTA_EXCEEDED" },
  500: { status: "INTERNAL", errorCode: "INTERNAL" },
  503: { status: "UNAVAILABLE", errorCode: "UNAVAILABLE" },
};

/** Creates the handler of a fake FCM. */
export function createFcm(options: FcmOptions): ProviderHandler {
  const { projectId, tokens } = options;
  return (request) => {
    const project = PATH.exec(request.path)?.[1];
    if (request.method !== "POST" || project === undefined) return notFoundPage();
    const authorized = tokens.accepts(request.headers.authorization);
    const body = bodyJson(request);
    const checked = checkFcmBody(body);

    function fault(): FakeAnswer | undefined {
      if (!authorized) return refuse({ status: 401 });
      if (project !== projectId) return refuse({ status: 403 });
      if (!checked.ok) return invalid(checked);
    }

    return answerPush(options, {
      provider: "fcm",
      token: checked.ok ? checked.target : "",
      headers: {},
      payload: () => checked.ok ? checked.message : undefined,
      refused: fault(),
      gone: GONE,
      refuse,
      accept() {
        const name = `projects/${projectId}/messages/${crypto.randomUUID()}`;
        return { answer: jsonReply(200, { name }), id: name };
      },
    });
  };
}

function refuse(refusal: FakeRefusal): FakeAnswer {
  const { status } = refusal;
  // Gateways in front of FCM answer in HTML.
  if (status === 502 || status === 504) {
    const answer = htmlPage(status, "The server encountered a temporary error", refusal);
    return { answer, reason: refusal.reason ?? "html" };
  }
  const { status: word = "UNKNOWN", errorCode } = CODES[status] ?? {};
  const reason = refusal.reason ?? errorCode;
  const details = reason === undefined ? [] : [{ "@type": ERROR_TYPE, errorCode: reason }];
  return error(status, word, { details, message: reason ?? word, refusal });
}

function invalid(checked: FcmCheckResult & { readonly ok: false }): FakeAnswer {
  const details = checked.field === undefined ? [] : [
    { "@type": ERROR_TYPE, errorCode: "INVALID_ARGUMENT" },
    {
      "@type": "type.googleapis.com/google.rpc.BadRequest",
      fieldViolations: [{ field: checked.field, description: checked.description }],
    },
  ];
  return error(400, "INVALID_ARGUMENT", {
    details,
    message: checked.description,
    refusal: { status: 400 },
  });
}

interface ErrorParts {
  readonly details: readonly unknown[];
  readonly message: string;
  readonly refusal: FakeRefusal;
}

function error(
  status: number,
  word: string,
  { details, message, refusal }: ErrorParts,
): FakeAnswer {
  const body = {
    error: { code: status, message, status: word, ...details.length > 0 && { details } },
  };
  return { answer: jsonReply(status, body, retryAfter(refusal)), reason: refusal.reason ?? word };
}

function notFoundPage() {
  return htmlPage(404, "The requested URL was not found on this server.", { status: 404 });
}

function htmlPage(status: number, text: string, refusal: FakeRefusal) {
  return {
    kind: "reply" as const,
    status,
    headers: { "content-type": "text/html; charset=utf-8", ...retryAfter(refusal) },
    body: `<!DOCTYPE html><html lang=en><title>Error ${status}</title><p>${text}`,
  };
}
