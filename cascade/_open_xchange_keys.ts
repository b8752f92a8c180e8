/**
 * The keys of the place beside an Open-Xchange middleware, under `io.carillon.openxchange.`. All of
 * them are server settings.
 */

import { url } from "./_carillon_keys.ts";
import { list, milliseconds, string } from "./key_spec.ts";

/** The keys of webhooks that come in and of the middleware's sessions. */
export const OPEN_XCHANGE_KEYS = {
  "io.carillon.openxchange.webhook.secrets": list([], {
    text: "Values of the header `Authorization` that webhooks of an Open-Xchange middleware may " +
      "have: its `webhookSecret`, or `Basic …` where it has `login` and `password`. Several hold " +
      "at once, so that a secret can be changed; none of them contains a comma.",
    example: "the-new-secret, the-old-secret",
    secret: true,
  }),
  "io.carillon.openxchange.webhook.signatureSecrets": list([], {
    text: "Secrets that may sign webhooks of an Open-Xchange middleware: its `signatureSecret`. " +
      "Several hold at once. Where there is one, an unsigned webhook is refused.",
    example: "da39a3ee5e6b4b",
    secret: true,
  }),
  "io.carillon.openxchange.webhook.signatureHeader": string("X-OX-Signature", {
    text: "Header with the signature of those webhooks: the middleware's `signatureHeaderName`.",
    example: "X-Custom-Signature",
    check: (name) => /^[A-Za-z0-9-]{1,64}$/.test(name) ? undefined : "the name of a header",
  }),
  "io.carillon.openxchange.webhook.tolerance": milliseconds(300_000, {
    text: "How far the time of such a webhook may be from this service's before it is refused.",
    example: "60000",
    range: [1_000, 1_800_000],
  }),
  "io.carillon.openxchange.webhook.ids": list(["switchboard"], {
    text: "Ids of the middleware's webhooks that lead to this service. A client that subscribes " +
      "with one of them is passed on to the middleware, which then sends its webhooks here.",
    example: "switchboard, carillon",
  }),
  "io.carillon.openxchange.middleware.url": string("", {
    text:
      "Base of the HTTP API of the Open-Xchange middleware, which is asked whose a session of " +
      "the App Suite is. Empty: such sessions are refused.",
    example: "http://middleware:8009/ajax",
    check: url,
    applies: "after a restart",
  }),
  "io.carillon.openxchange.middleware.login": string("", {
    text: "Name for HTTP Basic authentication at the middleware or a proxy before it. Empty: none.",
    example: "carillon",
  }),
  "io.carillon.openxchange.middleware.password": string("", {
    text: "Password that belongs to `….login`.",
    example: "secret",
    secret: true,
  }),
  "io.carillon.openxchange.middleware.timeout": milliseconds(5_000, {
    text: "How long the middleware may take to answer.",
    example: "2000",
    range: [50, 60_000],
  }),
  "io.carillon.openxchange.middleware.cacheAge": milliseconds(30_000, {
    text: "How long the middleware's answer about a session counts. 0: it is asked every time.",
    example: "60000",
    range: [0, 600_000],
  }),
  "io.carillon.openxchange.middleware.recheck": milliseconds(300_000, {
    text:
      "How often the middleware is asked whether the sessions of open sockets still exist. It " +
      "also keeps them alive, so it must be shorter than the lifetime of a session.",
    example: "600000",
    range: [1_000, 3_600_000],
  }),
};
