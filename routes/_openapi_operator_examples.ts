/** The examples of what only operators ask; `_openapi_examples.ts` has the rest. */

const ID = "0190163d-8694-739b-aea5-966c26f8ad90";
const AT = "2026-11-23T12:00:00.000Z";
const ENABLED = "com.openexchange.pns.transport.websocket.enabled";

const SETTING = {
  ...{ key: ENABLED, value: "true", scope: "server", source: "pns.properties:3:1" },
  applies: "at once",
};

const REPORT = {
  ...{ node: "b30f3961", address: "0.0.0.0:8080", at: 1_795_435_200_000, version: "0.1.0" },
  ...{ ready: true, failed: [], sockets: { "open-xchange-appsuite": 12 } },
  buffer: { waiting: 3, due: 0, running: 1, inFlight: 4 },
  retriesWaiting: 0,
  queues: [{
    ...{ transport: "apn", client: "myiosclient", inFlight: 1, waiting: 0, breaker: "closed" },
    last: { outcome: "sent", at: 1_795_435_199_000 },
  }],
  accepted: 214,
  settled: { delivered: 210 },
  outcomes: [{ transport: "apn", client: "myiosclient", outcome: "sent", count: 198 }],
  credentials: [{
    ...{ transport: "apn", client: "myiosclient", ready: true, environment: "sandbox" },
    daysLeft: 120,
  }],
};

/** By method and path, as they are in the document. */
export const OPERATOR_EXAMPLES = {
  "GET /v1/notifications": {
    operationId: "listNotifications",
    answers: {
      200: {
        items: [{
          ...{ id: ID, context: "1", user: "3", topic: "ox:mail:new", acceptedAt: AT },
          ...{ state: "suppressed", reason: "no_subscription", targets: [] },
        }],
        next: ID,
        searched: 100,
      },
    },
  },
  "GET /v1/explain": {
    operationId: "explain",
    answers: {
      200: {
        targets: [{
          ...{ client: "open-xchange-appsuite", transport: "websocket", send: true, state: "sent" },
          trail: [{
            key: ENABLED,
            ...{ scope: "server", source: "pns.properties:3", value: "true", chosen: true },
          }],
        }],
        absent: [{ code: "no_subscription", reason: "the user has no subscription" }],
        contextSets: {
          tags: [{ tag: "1", source: "context id" }],
          sets: [{
            ...{ name: "premium", source: "contextSets/premium.yml:1:1" },
            ...{ withTags: "gold & !trial", matches: false },
          }],
        },
        delay: { waitsMs: 1000, atMostMs: 1000, checkedEveryMs: 500 },
        limits: {
          ...{ maxPerSecondPerKey: 0, maxPerSecondPerContext: 0, maxPayloadBytes: 49_152 },
          maxSubscriptionsPerUser: 100,
        },
      },
    },
  },
  "GET /v1/config/server": {
    operationId: "listServerConfig",
    answers: { 200: { items: [SETTING] } },
  },
  "GET /v1/config/user": { operationId: "listUserConfig", answers: { 200: { items: [SETTING] } } },
  "GET /v1/status": { operationId: "listNodeReports", answers: { 200: { items: [REPORT] } } },
  "GET /v1/sockets": {
    operationId: "listSockets",
    answers: {
      200: {
        items: [{ client: "open-xchange-appsuite", id: "c-1", socketId: "Jx3mVq0T2c", open: true }],
      },
    },
  },
} as const;
