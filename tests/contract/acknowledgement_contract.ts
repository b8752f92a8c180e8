/**
 * Acknowledging events and replacing what is shown by them, as one suite over every store and every
 * kind of connection: Socket.IO, a plain WebSocket, and a stream with requests beside it.
 */

import assert from "node:assert/strict";
import { assertProblem, type Settled } from "../support/api.ts";
import type { TestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";
import { openStream } from "../realtime/_event_source.ts";
import { CLIENTS, iPhone, type Providers, startProviders } from "../flow/_providers.ts";
import {
  MAIL_TOPIC,
  openSocket,
  type PublishingSuite,
  pushes,
  record,
  states,
} from "./_publishing.ts";

const ACKNOWLEDGE = "/v1/stream/acknowledge";
const COLLAPSE_KEY = 'mail "1"\n\u2028';

/** An event as a client has it. */
interface Heard {
  readonly offset: string;
  readonly collapseKey: string | undefined;
  /** Whether it asks for an acknowledgement. */
  readonly asks: boolean;
}

/** A client of one kind, which hears `ox:mail:new`. */
interface Client extends Disposable {
  readonly heard: readonly Heard[];
  /** Acknowledges the event that came last, or any other offset. */
  acknowledge(kind: "delivered" | "seen", offset?: unknown): void | Promise<void>;
}

const KINDS: Readonly<Record<string, (service: TestService) => Promise<Client>>> = {
  "Socket.IO": overSocketIo,
  "a plain WebSocket": overWebSocket,
  "a stream": overStream,
};

async function overSocketIo(service: TestService): Promise<Client> {
  const socket = await openSocket(service);
  const heard: Heard[] = [];
  let answer: (() => void) | undefined;
  socket.on(MAIL_TOPIC, (_data, ...rest) => {
    answer = typeof rest.at(-1) === "function" ? rest.pop() : undefined;
    const offset = rest.pop();
    heard.push({ offset, collapseKey: rest[0]?.collapseKey, asks: answer !== undefined });
  });
  return {
    heard,
    acknowledge(kind, offset) {
      if (kind === "delivered" && offset === undefined) answer?.();
      else socket.emit("seen", offset === undefined ? heard.at(-1)!.offset : offset);
    },
    [Symbol.dispose]: () => void socket.close(),
  };
}

async function overWebSocket(service: TestService): Promise<Client> {
  const { address } = service;
  const socket = new WebSocket(
    `${address.replace("http", "ws")}/v1/socket?session=${await service.mint()}`,
  );
  const heard: Heard[] = [];
  let isReady = false;
  socket.onmessage = ({ data }) => {
    const { type, topic, offset, collapseKey, ack = false } = JSON.parse(data);
    isReady ||= type === "ready";
    if (topic === MAIL_TOPIC) heard.push({ offset, collapseKey, asks: ack });
  };
  await until("it is connected", () => isReady);
  const types = { delivered: "ack", seen: "seen" };
  return {
    heard,
    acknowledge: (kind, offset = heard.at(-1)!.offset) =>
      socket.send(JSON.stringify({ type: types[kind], offset })),
    [Symbol.dispose]: () => socket.close(),
  };
}

async function overStream(service: TestService): Promise<Client> {
  const session = await service.mint();
  const stream = await openStream(`${service.address}/v1/stream?session=${session}`);
  await stream.received("ready");
  return {
    get heard() {
      return stream.named(undefined).map(({ id, data }) => {
        const { collapseKey, ack = false } = JSON.parse(data);
        return { offset: id!, collapseKey, asks: ack };
      });
    },
    async acknowledge(kind, offset = stream.named(undefined).at(-1)!.id) {
      await service.call("POST", ACKNOWLEDGE, { key: session, body: { offset, kind } });
    },
    [Symbol.dispose]: () => stream[Symbol.dispose](),
  };
}

function receipts({ receipts = [] }: Settled): readonly string[] {
  return receipts.map(({ kind }) => kind);
}

/** Registers the suite. */
export function testAcknowledgements(name: string, { test, store }: PublishingSuite): void {
  for (const [kind, open] of Object.entries(KINDS)) {
    const each = (sentence: string, run: (providers: Providers, client: Client) => Promise<void>) =>
      test(`${name}, ${kind}: ${sentence}`, async () => {
        await using providers = await startProviders({ store: await store() });
        const { service } = providers;
        await service.subscribe({ client: CLIENTS.apn, transport: "apn", token: iPhone(1) });
        using client = await open(service);
        await run(providers, client);
      });

    for (const reported of ["delivered", "seen"] as const) {
      each(`a phone is left alone where '${reported}' came in time`, async (all, client) => {
        const { service } = all;
        const id = await service.publish({ escalate: { after: 3 } });
        await until("the event has come", () => client.heard.length === 1);
        assert.equal(client.heard[0]!.asks, true);
        await client.acknowledge(reported);
        const settled = await service.settled(id);
        assert.equal(states(settled), "delivered apn=seen websocket=sent");
        assert.deepEqual(receipts(settled), [reported]);
        assert.equal(pushes(all).length, 0);
      });
    }

    each("what is no event of this user acknowledges nothing", async ({ service }, client) => {
      const id = await service.publish({ receipts: true });
      await service.settled(id);
      await until("the event has come", () => client.heard.length === 1);
      for (
        const odd of ["0".repeat(16), "9".repeat(16), 7, null, {}, "../../etc", "x".repeat(999)]
      ) {
        await client.acknowledge("seen", odd);
      }
      await client.acknowledge("delivered");
      const found = await until("the right one is in the record", async () => {
        const found = await record(service, id);
        return receipts(found).length > 0 && found;
      });
      assert.deepEqual(receipts(found), ["delivered"]);
    });

    each(
      "an event carries its collapse key, live and from the log",
      async ({ service }, client) => {
        await service.settled(await service.publish({ collapseKey: COLLAPSE_KEY, receipts: true }));
        await service.settled(await service.publish({ data: { n: 2 } }));
        await until("both have come", () => client.heard.length === 2);
        const [keyed, plain] = client.heard;
        assert.deepEqual([keyed!.collapseKey, keyed!.asks], [COLLAPSE_KEY, true]);
        assert.deepEqual([plain!.collapseKey, plain!.asks], [undefined, false]);
        const before = String(Number(keyed!.offset) - 1).padStart(16, "0");
        const session = await service.mint();
        using again = await openStream(
          `${service.address}/v1/stream?session=${session}&offset=${before}`,
        );
        const [first] = await again.received(undefined);
        assert.equal(JSON.parse(first!.data).collapseKey, COLLAPSE_KEY);
      },
    );
  }

  test(`${name}: a request that acknowledges needs the user's session and a real event`, async () => {
    await using providers = await startProviders({ store: await store() });
    const { service } = providers;
    const [session, ofAnother] = [await service.mint("3"), await service.mint("4")];
    using stream = await openStream(`${service.address}/v1/stream?session=${session}`);
    await stream.received("ready");
    await service.publish({ receipts: true });
    const offset = (await stream.received(undefined))[0]!.id!;
    const call = (key: string | null, body: unknown) =>
      service.call("POST", ACKNOWLEDGE, { key, body });
    assert.equal((await call(session, { offset })).status, 204);
    assertProblem(await call(null, { offset }), "401 unauthenticated");
    assertProblem(await call(service.adminKey, { offset }), "400 invalid_request");
    assertProblem(await call(ofAnother, { offset }), "404 not_found");
    assertProblem(await call(session, { offset: "9".repeat(16) }), "404 not_found");
    assertProblem(await call(session, { offset, client: "tv" }), "404 not_found");
    for (const odd of [{}, { offset: 7 }, { offset: "../etc" }, { offset, kind: "clicked" }]) {
      assertProblem(await call(session, odd), "400 invalid_request");
    }
  });
}
