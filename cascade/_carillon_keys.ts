/** The keys that only this service has, under `io.carillon.`. All of them are server settings. */

import { isTimeZone } from "../core/time_zone.ts";
import { choice, integer, list, string } from "./key_spec.ts";

const KIB = 1024;
const RESTART = { applies: "after a restart" } as const;

export const CARILLON_KEYS = {
  "io.carillon.buffer.maxNotifications": integer(250_000, {
    text: "How many accepted notifications may wait. Beyond it a publish is answered with 503.",
    example: "1000000",
    min: 1,
    max: 100_000_000,
  }),
  "io.carillon.buffer.maxBytes": integer(256 * KIB * KIB, {
    text: "How many bytes accepted notifications may take. Beyond it a publish is answered with " +
      "503.",
    example: "1073741824",
    unit: "bytes",
    min: KIB * KIB,
    max: KIB ** 4,
  }),
  "io.carillon.publish.maxPayloadBytes": integer(49_152, {
    text: "Largest `data` of a notification, as UTF-8 JSON.",
    example: "4096",
    unit: "bytes",
    min: 2,
    max: 57_344,
  }),
  "io.carillon.publish.maxPerSecondPerKey": integer(0, {
    text: "How many notifications per second are accepted from one API key, or from one subject " +
      "of JWTs, on all nodes together. Beyond it a publish is answered with 429. 0: no limit.",
    example: "500",
    min: 0,
    max: 10_000_000,
  }),
  "io.carillon.publish.maxPerSecondPerContext": integer(0, {
    text: "How many notifications per second are accepted for one context, on all nodes " +
      "together. Beyond it a publish is answered with 429. 0: no limit. What is set for a " +
      "user has no effect.",
    example: "100",
    cascade: true,
    min: 0,
    max: 10_000_000,
  }),
  "io.carillon.timeZone": string("UTC", {
    text: "Time zone of the user, by its IANA name, for delivery at a local time.",
    example: "Europe/Berlin",
    cascade: true,
    check: (name) => isTimeZone(name) ? undefined : "a time zone such as 'Europe/Berlin'",
  }),
  "io.carillon.ledger.retentionHours": integer(24, {
    text: "How long `GET /v1/notifications/{id}` can tell what became of a notification.",
    example: "72",
    unit: "hours",
    min: 1,
    max: 8760,
  }),
  "io.carillon.idempotency.retentionHours": integer(24, {
    text: "How long an `Idempotency-Key` is remembered.",
    example: "48",
    unit: "hours",
    min: 1,
    max: 720,
  }),
  "io.carillon.subscriptions.maxPerUser": integer(100, {
    text: "How many subscriptions a user may keep.",
    example: "20",
    min: 1,
    max: 1000,
  }),
  "io.carillon.websocket.pingInterval": integer(25_000, {
    text: "How often a socket is checked, as told to the client when it opens.",
    example: "20000",
    unit: "ms",
    min: 100,
    max: 3_600_000,
    ...RESTART,
  }),
  "io.carillon.websocket.olderPingInterval": integer(0, {
    text:
      "How often a client of Socket.IO 2 pings, as it is told when its socket opens; 0: as often as " +
      "`io.carillon.websocket.pingInterval` says. It is told again what it was sent since its last " +
      "ping but one, should its connection break.",
    example: "5000",
    unit: "ms",
    min: 0,
    max: 3_600_000,
    ...RESTART,
  }),
  "io.carillon.websocket.askAfter": integer(1000, {
    text: "How soon after an event a client from Socket.IO 3.0 on that names its `connection` is " +
      "pinged, so that it is not told the event again should its connection break; 0: with the next " +
      "ping. Where all clients are 4.6 or later, 0 is right: those say how far they got, and a ping " +
      "costs as much as an event.",
    example: "0",
    unit: "ms",
    min: 0,
    max: 60_000,
  }),
  "io.carillon.websocket.pingTimeout": integer(60_000, {
    text: "How long an answer may take before a socket counts as lost.",
    example: "5000",
    unit: "ms",
    min: 100,
    max: 3_600_000,
    ...RESTART,
  }),
  "io.carillon.websocket.maxSocketsPerUser": integer(8, {
    text: "How many sockets a user may have open at once on a node.",
    example: "16",
    min: 1,
    max: 1000,
  }),
  "io.carillon.websocket.maxMessageBytes": integer(64 * KIB, {
    text: "Largest message that a client may send.",
    example: "16384",
    unit: "bytes",
    min: 128,
    max: 10_000_000,
    ...RESTART,
  }),
  "io.carillon.websocket.maxBacklogBytes": integer(256 * KIB, {
    text:
      "How much may wait for one peer that reads more slowly than it is sent. Beyond half of it, " +
      "events wait in the user's event log.",
    example: "131072",
    unit: "bytes",
    min: KIB,
    max: KIB ** 3,
  }),
  "io.carillon.websocket.maxTotalBacklogBytes": integer(256 * KIB * KIB, {
    text: "How much may wait for all peers together; beyond it, events wait in the event logs.",
    example: "67108864",
    unit: "bytes",
    min: KIB,
    max: KIB ** 4,
  }),
  "io.carillon.websocket.stalledAfter": integer(10_000, {
    text: "After how long a socket is given up whose peer has taken nothing of what waits for it.",
    example: "30000",
    unit: "ms",
    min: 1000,
    max: 3_600_000,
  }),
  "io.carillon.websocket.handshakesPerSecond": integer(1000, {
    text: "How many new connections a node takes per second; others are told to try again.",
    example: "200",
    min: 1,
    max: 1_000_000,
  }),
  "io.carillon.websocket.allowedOrigins": list([], {
    text: "Web origins that may open sockets besides the service's own. Requests without an " +
      "`Origin` header (they come from apps, not from browsers) are always allowed; with one, it " +
      "must have the host of the request or be listed. `*` allows all.",
    example: "https://mail.example.com, https://app.example.com",
    check: (item) =>
      item === "*" || isOrigin(item) ? undefined : "an origin such as 'https://host'",
  }),
  "io.carillon.resume.window": integer(120_000, {
    text: "How long a client may be away and still get what it missed: events stay in their " +
      "user's log for this long.",
    example: "300000",
    unit: "ms",
    min: 1_000,
    max: 3_600_000,
  }),
  "io.carillon.resume.maxEventsPerUser": integer(500, {
    text: "How many events a user's log keeps. A client that missed more is told `resync`.",
    example: "100",
    min: 1,
    max: 10_000,
  }),
  "io.carillon.resume.maxBytes": integer(64 * KIB * KIB, {
    text: "How many bytes all logs may take in the memory of a node without Redis; the oldest " +
      "events go first.",
    example: "268435456",
    unit: "bytes",
    min: KIB * KIB,
    max: KIB ** 4,
  }),
  "io.carillon.drain.socketsPerSecond": integer(50, {
    text: "How many sockets a node that goes away closes per second, if that is done in time; " +
      "otherwise as many as it takes.",
    example: "200",
    min: 1,
    max: 100_000,
  }),
  "io.carillon.drain.within": integer(15_000, {
    text: "How long a node that goes away may take to close its sockets.",
    example: "60000",
    unit: "ms",
    min: 0,
    max: 3_600_000,
  }),
  "io.carillon.drain.notice": integer(5_000, {
    text:
      "How long a node that goes away still takes publishes, so that a balancer has seen that " +
      "it is not ready. Does not hold for SIGTERM at a node without Redis: there is no other.",
    example: "15000",
    unit: "ms",
    min: 0,
    max: 600_000,
  }),
  "io.carillon.cluster.lease": integer(6_000, {
    text: "How long a node may be silent before the others take over what it had.",
    example: "15000",
    unit: "ms",
    min: 1_000,
    max: 300_000,
    ...RESTART,
  }),
  "io.carillon.delivery.maxAttempts": integer(10, {
    text: "How often a message is tried at one address before it becomes a dead letter.",
    example: "5",
    min: 1,
    max: 100,
  }),
  "io.carillon.delivery.maxAgeHours": integer(24, {
    text: "How old a notification without a ttl may become while it is tried.",
    example: "6",
    unit: "hours",
    min: 1,
    max: 720,
  }),
  "io.carillon.delivery.retryBase": integer(1000, {
    text: "Longest wait before the second attempt; each further one may wait twice as long. The " +
      "wait itself is drawn at random below that.",
    example: "5000",
    unit: "ms",
    min: 1,
    max: 3_600_000,
  }),
  "io.carillon.delivery.retryMax": integer(900_000, {
    text: "Longest wait between two attempts, unless the provider asks for more.",
    example: "60000",
    unit: "ms",
    min: 1,
    max: 86_400_000,
  }),
  "io.carillon.delivery.attemptTimeout": integer(10_000, {
    text: "How long a provider may take to answer.",
    example: "5000",
    unit: "ms",
    min: 100,
    max: 300_000,
  }),
  "io.carillon.delivery.maxPerSecond": integer(0, {
    text: "How many messages of one client may go to a provider per second. 0: no limit.",
    example: "500",
    min: 0,
    max: 1_000_000,
  }),
  "io.carillon.http.bodyTimeout": integer(30_000, {
    text: "How long the body of a request may take to arrive. Beyond it the request is answered " +
      "with 408. Headers have no limit here: a proxy must set it, see docs/deploy.md.",
    example: "10000",
    unit: "ms",
    min: 100,
    max: 3_600_000,
  }),
  "io.carillon.http.engine": choice("http2", {
    text:
      "How APNs and FCM are called. `http2`: this service's own HTTP/2 client, for a tenth of the " +
      "CPU. `fetch`: the runtime's, which is also used wherever the environment names a proxy " +
      "(`HTTPS_PROXY` or `ALL_PROXY`), and for all other providers.",
    example: "fetch",
    choices: ["fetch", "http2"],
    ...RESTART,
  }),
  "io.carillon.internal.port": integer(0, {
    text: "Port of the internal listener, which serves `/metrics`, `/readyz` with its details, " +
      "`/livez` and `/v1/admin`. With it, the public port serves none of these but `/livez` and " +
      "`/readyz` without details. 0: there is none, and on the public port `/metrics` and the " +
      "details of `/readyz` need an API key with scope `read`.",
    example: "9091",
    min: 0,
    max: 65_535,
    ...RESTART,
  }),
  "io.carillon.internal.host": string("127.0.0.1", {
    text: "Address that the internal listener listens at. All but `/v1/admin` is served there " +
      "without a credential: let no one but operators reach it.",
    example: "10.0.0.5",
    ...RESTART,
  }),
  "io.carillon.deadLetters.retentionDays": integer(14, {
    text: "How long dead letters are kept for a look and a replay.",
    example: "30",
    unit: "days",
    min: 1,
    max: 365,
  }),
  "io.carillon.feedback.url": string("", {
    text: "Where publishers are told of dead addresses and dead letters, by signed webhooks. " +
      "Empty: nobody is told.",
    example: "https://app.example.com/hooks/carillon",
    check: url,
  }),
  "io.carillon.feedback.secret": string("", {
    text: "Secret that signs the webhooks: `whsec_` and base64 as Standard Webhooks has it, or " +
      "any other text, which is taken as it is.",
    example: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    secret: true,
  }),
  "io.carillon.jwt.jwksUrl": string("", {
    text: "Where the public keys are that JWTs of publishers and users are checked with. Empty: " +
      "only the shared session secret counts.",
    example: "https://login.example.com/.well-known/jwks.json",
    check: url,
    ...RESTART,
  }),
  "io.carillon.jwt.issuer": string("", {
    text: "What `iss` of a JWT must be. Empty: it is not checked.",
    example: "https://login.example.com",
    ...RESTART,
  }),
  "io.carillon.jwt.audience": string("", {
    text: "What `aud` of a JWT must contain. Empty: it is not checked.",
    example: "carillon",
    ...RESTART,
  }),
  "io.carillon.log.level": choice("info", {
    text: "Least important log lines that are written.",
    example: "debug",
    choices: ["debug", "info", "warn", "error"],
    ...RESTART,
  }),
};

function url(text: string): string | undefined {
  const { protocol } = URL.parse(text) ?? {};
  return protocol === "https:" || protocol === "http:" ? undefined : "an http or https address";
}

function isOrigin(text: string): boolean {
  const { protocol, origin } = URL.parse(text) ?? {};
  return (protocol === "https:" || protocol === "http:") && origin === text.toLowerCase();
}
