/** The keys that only this service has, all below `io.carillon.`. */

import { ATTENTION_KEYS, INBOX_KEYS } from "./_user_keys.ts";
import { boolean, bytes, choice, integer, milliseconds, string } from "./key_spec.ts";
import { WEBSOCKET_KEYS } from "./_websocket_keys.ts";

const KIB = 1024;
const RESTART = { applies: "after a restart" } as const;

/** The keys below `io.carillon.`. */
export const CARILLON_KEYS = {
  "io.carillon.buffer.maxNotifications": integer(250_000, {
    text: "How many accepted notifications may wait. Beyond it a publish is answered with 503.",
    example: "1000000",
    range: [1, 100_000_000],
  }),
  "io.carillon.buffer.maxBytes": bytes(256 * KIB * KIB, {
    text: "How many bytes accepted notifications may take. Beyond it a publish is answered with " +
      "503.",
    example: "1073741824",
    range: [KIB * KIB, KIB ** 4],
  }),
  "io.carillon.publish.maxPayloadBytes": bytes(49_152, {
    text: "Largest `data` of a notification, as UTF-8 JSON.",
    example: "4096",
    range: [2, 57_344],
  }),
  "io.carillon.publish.maxPerSecondPerKey": integer(0, {
    text: "How many notifications per second are accepted from one API key, or from one subject " +
      "of JWTs, on all nodes together. Beyond it a publish is answered with 429. 0: no limit.",
    example: "500",
    range: [0, 10_000_000],
  }),
  "io.carillon.publish.maxPerSecondPerContext": integer(0, {
    text: "How many notifications per second are accepted for one context, on all nodes " +
      "together. Beyond it a publish is answered with 429. 0: no limit. What is set for a " +
      "user has no effect.",
    example: "100",
    cascade: true,
    range: [0, 10_000_000],
  }),
  ...ATTENTION_KEYS,
  "io.carillon.ledger.retentionHours": integer(24, {
    text: "How long `GET /v1/notifications/{id}` returns the outcome of a notification.",
    example: "72",
    unit: "hours",
    range: [1, 8760],
  }),
  "io.carillon.ledger.sockets": boolean(false, {
    text:
      "Whether records name the connections of the sockets that an event was sent to, at most 16. " +
      "It makes records larger and slower to write.",
    example: "true",
  }),
  "io.carillon.idempotency.retentionHours": integer(24, {
    text: "How long an `Idempotency-Key` is remembered.",
    example: "48",
    unit: "hours",
    range: [1, 720],
  }),
  "io.carillon.subscriptions.maxPerUser": integer(100, {
    text: "How many subscriptions a user may have.",
    example: "20",
    range: [1, 1000],
  }),
  ...WEBSOCKET_KEYS,
  ...INBOX_KEYS,
  "io.carillon.drain.socketsPerSecond": integer(50, {
    text: "How many sockets a draining node closes per second. It closes more where it could not " +
      "finish within `io.carillon.drain.within` otherwise.",
    example: "200",
    range: [1, 100_000],
  }),
  "io.carillon.drain.within": milliseconds(15_000, {
    text: "How long a draining node may take to close its sockets.",
    example: "60000",
    range: [0, 3_600_000],
  }),
  "io.carillon.drain.notice": milliseconds(5_000, {
    text:
      "How long a draining node still accepts publishes, so that balancers see that it is not " +
      "ready. Has no effect on SIGTERM at a node without Redis: there is no other node.",
    example: "15000",
    range: [0, 600_000],
  }),
  "io.carillon.cluster.lease": milliseconds(6_000, {
    text: "How long a node may fail to renew its lease before other nodes take over its work.",
    example: "15000",
    range: [1_000, 300_000],
    ...RESTART,
  }),
  "io.carillon.delivery.maxAttempts": integer(10, {
    text:
      "How many attempts are made to send a message to one address before it becomes a dead letter.",
    example: "5",
    range: [1, 100],
  }),
  "io.carillon.delivery.maxAgeHours": integer(24, {
    text: "How long a notification without a ttl is retried after it was accepted.",
    example: "6",
    unit: "hours",
    range: [1, 720],
  }),
  "io.carillon.delivery.retryBase": milliseconds(1000, {
    text:
      "Longest wait before the second attempt; it doubles for each further one. The actual wait " +
      "is random and at most that long (full jitter).",
    example: "5000",
    range: [1, 3_600_000],
  }),
  "io.carillon.delivery.retryMax": milliseconds(900_000, {
    text: "Longest wait between two attempts, unless the provider asks for more.",
    example: "60000",
    range: [1, 86_400_000],
  }),
  "io.carillon.delivery.attemptTimeout": milliseconds(10_000, {
    text: "How long a provider may take to answer.",
    example: "5000",
    range: [100, 300_000],
  }),
  "io.carillon.delivery.maxPerSecond": integer(0, {
    text: "How many messages of one client may go to a provider per second. 0: no limit.",
    example: "500",
    range: [0, 1_000_000],
  }),
  "io.carillon.http.bodyTimeout": milliseconds(30_000, {
    text: "How long the body of a request may take to arrive. Beyond it the request is answered " +
      "with 408. Headers have no limit here; a proxy must set one, see docs/deploy.md.",
    example: "10000",
    range: [100, 3_600_000],
  }),
  "io.carillon.http.engine": choice("http2", {
    text:
      "The HTTP client that calls APNs and FCM. `http2`: this service's own HTTP/2 client, which " +
      "takes a tenth of the CPU. `fetch`: that of the runtime. It is also used where the environment " +
      "names a proxy (`HTTPS_PROXY` or `ALL_PROXY`), and for all other providers.",
    example: "fetch",
    choices: ["fetch", "http2"],
    ...RESTART,
  }),
  "io.carillon.internal.port": integer(0, {
    text: "Port of the internal listener, which serves `/metrics`, `/readyz` with its details, " +
      "`/livez` and `/v1/admin`. With it, the public port serves none of these but `/livez` and " +
      "`/readyz` without details. 0: no internal listener; then `/metrics` and the details of " +
      "`/readyz` on the public port need an API key with scope `read`.",
    example: "9091",
    range: [0, 65_535],
    ...RESTART,
  }),
  "io.carillon.internal.host": string("127.0.0.1", {
    text: "Address of the internal listener. It serves all but `/v1/admin` without a credential: " +
      "only operators may be able to reach it.",
    example: "10.0.0.5",
    ...RESTART,
  }),
  "io.carillon.streams.port": integer(0, {
    text: "A second port for Socket.IO, `/v1/stream` and `/v1/socket` and nothing else, where an " +
      "idle socket takes half of the memory and an idle stream a fifth. A proxy passes their paths " +
      "to it. It listens at the address of the public port. 0: none; the public port serves them " +
      "in any case.",
    example: "8081",
    range: [0, 65_535],
    ...RESTART,
  }),
  "io.carillon.deadLetters.retentionDays": integer(14, {
    text: "How long dead letters can be read and replayed.",
    example: "30",
    unit: "days",
    range: [1, 365],
  }),
  "io.carillon.feedback.url": string("", {
    text: "URL that receives a signed webhook for each dead address and dead letter. Empty: no " +
      "webhooks.",
    example: "https://app.example.com/hooks/carillon",
    check: url,
  }),
  "io.carillon.feedback.retentionHours": integer(72, {
    text:
      "How long `GET /v1/events` returns what webhooks reported, or would have reported where there is " +
      "no URL. 0: not at all.",
    example: "168",
    unit: "hours",
    range: [0, 8760],
  }),
  "io.carillon.feedback.secret": string("", {
    text: "Secret that signs the webhooks: `whsec_` and base64 as in Standard Webhooks, or any " +
      "other text, which is used unchanged.",
    example: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    secret: true,
  }),
  "io.carillon.jwt.jwksUrl": string("", {
    text:
      "URL of the public keys (JWKS) that verify JWTs of publishers and users. Empty: only JWTs " +
      "that are signed with the shared session secret are accepted.",
    example: "https://login.example.com/.well-known/jwks.json",
    check: url,
    ...RESTART,
  }),
  "io.carillon.jwt.issuer": string("", {
    text: "Required `iss` of a JWT. Empty: it is not checked.",
    example: "https://login.example.com",
    ...RESTART,
  }),
  "io.carillon.jwt.audience": string("", {
    text: "Required entry of `aud` of a JWT. Empty: it is not checked.",
    example: "carillon",
    ...RESTART,
  }),
  "io.carillon.log.level": choice("info", {
    text: "The lowest level of log lines that are written.",
    example: "debug",
    choices: ["debug", "info", "warn", "error"],
    ...RESTART,
  }),
};

/** A check: why a text is no address of an HTTP server, or `undefined`. */
export function url(text: string): string | undefined {
  const { protocol } = URL.parse(text) ?? {};
  return protocol === "https:" || protocol === "http:" ? undefined : "an http or https address";
}
