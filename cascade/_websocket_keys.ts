/** The keys of sockets and of the event logs, below `io.carillon.websocket.` and `…resume.`. */

import { bytes, integer, list, milliseconds } from "./key_spec.ts";

const KIB = 1024;
const RESTART = { applies: "after a restart" } as const;

/** The keys of sockets and of the event logs. */
export const WEBSOCKET_KEYS = {
  "io.carillon.websocket.pingInterval": milliseconds(25_000, {
    text: "How often the server pings a socket; sent to the client in the handshake.",
    example: "20000",
    range: [100, 3_600_000],
    ...RESTART,
  }),
  "io.carillon.websocket.olderPingInterval": milliseconds(0, {
    text: "How often a client of Socket.IO 2 pings; sent to it in the handshake. 0: the value of " +
      "`io.carillon.websocket.pingInterval`. After a disconnect such a client receives again what " +
      "it was sent since its last ping but one.",
    example: "5000",
    range: [0, 3_600_000],
    ...RESTART,
  }),
  "io.carillon.websocket.askAfter": milliseconds(1000, {
    text:
      "How soon after an event the server pings a client of Socket.IO 3.0 or later that sends a " +
      "`connection`, so that the client does not receive the event again after a disconnect. A client " +
      "that keeps receiving events is pinged less and less often, at last after eight times this. " +
      "0: with the next regular ping. Use 0 where all clients are 4.6 or later: they send their " +
      "offset, and a ping costs as much as an event.",
    example: "0",
    range: [0, 60_000],
  }),
  "io.carillon.websocket.pingTimeout": milliseconds(60_000, {
    text: "How long the answer to a ping may take before the socket counts as lost.",
    example: "5000",
    range: [100, 3_600_000],
    ...RESTART,
  }),
  "io.carillon.websocket.maxSocketsPerUser": integer(8, {
    text: "How many sockets a user may have open at once on a node.",
    example: "16",
    range: [1, 1000],
  }),
  "io.carillon.websocket.maxMessageBytes": bytes(64 * KIB, {
    text: "Largest message that a client may send.",
    example: "16384",
    range: [128, 10_000_000],
    ...RESTART,
  }),
  "io.carillon.websocket.maxBacklogBytes": bytes(256 * KIB, {
    text:
      "How many bytes may wait for one slow socket. Beyond half of it, events wait in the user's " +
      "event log.",
    example: "131072",
    range: [KIB, KIB ** 3],
  }),
  "io.carillon.websocket.maxTotalBacklogBytes": bytes(256 * KIB * KIB, {
    text:
      "How many bytes may wait for all sockets together. Beyond it, events wait in the event logs.",
    example: "67108864",
    range: [KIB, KIB ** 4],
  }),
  "io.carillon.websocket.stalledAfter": milliseconds(10_000, {
    text: "After how long a socket is closed whose peer reads none of the bytes that wait for it.",
    example: "30000",
    range: [1000, 3_600_000],
  }),
  "io.carillon.websocket.handshakesPerSecond": integer(1000, {
    text: "How many handshakes a node accepts per second. Clients beyond it must try again.",
    example: "200",
    range: [1, 1_000_000],
  }),
  "io.carillon.websocket.allowedOrigins": list([], {
    text: "Web origins that may open sockets besides the service's own. Requests without an " +
      "`Origin` header, which come from apps and not from browsers, are always allowed. An origin " +
      "must have the host of the request or be listed. `*` allows all.",
    example: "https://mail.example.com, https://app.example.com",
    check: (item) =>
      item === "*" || isOrigin(item) ? undefined : "an origin such as 'https://host'",
  }),
  "io.carillon.resume.window": milliseconds(120_000, {
    text:
      "How long a client may be disconnected and still receive what it missed: events stay in " +
      "the user's log for this long.",
    example: "300000",
    range: [1_000, 3_600_000],
  }),
  "io.carillon.resume.maxEventsPerUser": integer(500, {
    text: "How many events a user's log keeps. A client that missed more is sent `resync`.",
    example: "100",
    range: [1, 10_000],
  }),
  "io.carillon.resume.maxBytes": bytes(64 * KIB * KIB, {
    text:
      "How many bytes all event logs may take in the memory of a node without Redis. Beyond it " +
      "the oldest events are dropped.",
    example: "268435456",
    range: [KIB * KIB, KIB ** 4],
  }),
};

function isOrigin(text: string): boolean {
  const { protocol, origin } = URL.parse(text) ?? {};
  return (protocol === "https:" || protocol === "http:") && origin === text.toLowerCase();
}
