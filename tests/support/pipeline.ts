/** Sets up a whole pipeline for tests. */

import { LogBuffer } from "../../buffer/mod.ts";
import { type Settings } from "../../cascade/mod.ts";
import { Attributes, startCascade } from "../../cascade/mod.ts";
import type { Presence } from "../../core/events.ts";
import { createIdSource } from "../../core/ids.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import { silentLog } from "../../core/log.ts";
import { createMetrics } from "../../core/metrics.ts";
import type { Notification } from "../../core/notification.ts";
import type { Principal } from "../../core/principal.ts";
import type { Store } from "../../core/store.ts";
import type { Target, TransportName } from "../../core/subscription.ts";
import type { Transport } from "../../core/transport.ts";
import {
  createPipeline,
  type NotificationDraft,
  type Pipeline,
  type ReadAudience,
  ReceiptTokens,
} from "../../delivery/mod.ts";
import { GroupCommit, MemoryStore } from "../../store/mod.ts";
import { FakeClock, settle } from "./fake_clock.ts";
import { mortalClock } from "./mortal_clock.ts";
import { StubTransport } from "./stub_transport.ts";
import { createMemoryConfigFiles } from "./memory_config_files.ts";

const ALL_ON = `
com.openexchange.pns.transport.apn.ios.enabled=true
com.openexchange.pns.transport.gcm.enabled=true
com.openexchange.pns.delayDuration=0
`;

/** A principal that may publish in every context. */
export const PUBLISHER: Principal = { id: "k", kind: "key", scopes: new Set(["publish"]) };

/** A pipeline on a fake clock with a memory store and stub transports. */
export class PipelineBench {
  readonly apn = new StubTransport("apn");
  readonly gcm = new StubTransport("gcm");
  readonly metrics = createMetrics();
  readonly feedback: { headers: Headers; body: string }[] = [];
  targets: Target[] = [];
  readAudience: ReadAudience = () => Promise.resolve({ users: [] });
  /** The open sockets of every user. */
  present: readonly Presence[] = [];
  /** The messages that were generated. */
  generated = 0;
  pipeline!: Pipeline;
  settings!: () => Settings;
  buffer!: LogBuffer;
  /** Stops as after `kill -9`. */
  kill!: () => void;

  constructor(
    readonly clock = new FakeClock(),
    readonly store: Store = new MemoryStore({ clock }),
    readonly properties = ALL_ON,
  ) {}

  async start(): Promise<this> {
    const { store, metrics } = this;
    const clock = mortalClock(this.clock);
    this.kill = clock.kill;
    const ids = createIdSource(clock);
    const cascade = await startCascade({
      ...{ clock, metrics, log: silentLog, environment: {} },
      files: createMemoryConfigFiles({ "pns.properties": this.properties }),
      attributes: new Attributes({ store }),
    });
    this.settings = () => cascade.current().settings;
    const group = new GroupCommit(store, { clock, yieldToEventLoop: () => settle(1) });
    this.buffer = new LogBuffer(store, {
      clock,
      settings: () => this.settings().buffer,
      retentionMs: () => 86_400_000,
      yieldToEventLoop: () => settle(1),
    });
    this.pipeline = createPipeline({
      ...{ buffer: this.buffer, store, clock, ids, metrics, log: silentLog },
      commit: (changes) => group.commit(changes),
      inbox: { add: () => Promise.resolve([]) },
      sockets: {
        presence: (users) => users.map(() => this.present),
        publish: () => Promise.resolve(new Set()),
      },
      subscriptions: {
        match: ({ context, user }, connected) => [
          ...connected.map((client) => socketTarget({ context, user, client })),
          ...this.targets.filter((target) => target.context === context && target.user === user),
        ],
        prefetch: () => {},
        remove: (target) => Promise.resolve(this.#drop(target)),
        replaceToken: (target, token) => Promise.resolve(this.#replace(target, token)),
        refresh: (target) =>
          Promise.resolve(this.targets.find((one) => one.subscriptionId === target.subscriptionId)),
      },
      settings: this.settings,
      receiptTokens: new ReceiptTokens(new Uint8Array(32)),
      readAudience: (audience, page) => this.readAudience(audience, page),
      configuration: () => cascade.current(),
      transports: new Map<TransportName, Transport>([["apn", this.apn], ["gcm", this.gcm], [
        "websocket",
        new StubTransport("websocket"),
      ]]),
      generate: ({ id, topic, data, priority }) => {
        this.generated++;
        return { id, topic, data: JSON.parse(data), priority, silent: false };
      },
      fetch: (_url, init) => {
        this.feedback.push({ headers: new Headers(init!.headers), body: String(init!.body) });
        return Promise.resolve(new Response(null, { status: 204 }));
      },
      random: () => 0.5,
      yieldToEventLoop: () => settle(1),
    });
    await this.pipeline.start();
    return this;
  }

  subscribe(transport: TransportName, token: string, client = "app"): void {
    const subscriptionId = `${transport}-${this.targets.length}`;
    this.targets.push({
      ...{ context: "1", user: "3", client, transport, token, subscriptionId, refreshedAt: 0 },
    });
  }

  async publish(fields: Partial<NotificationDraft> = {}, times = 1): Promise<string> {
    const drafts = Array.from({ length: times }, (_, n) => ({
      ...{ context: "1", user: "3", topic: "ox:mail:new", data: JSON.stringify({ n }) },
      ...fields,
    }));
    const { ids } = await this.pipeline.publish(PUBLISHER, { drafts });
    await this.pass(0);
    return ids[0]!;
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    for (let yieldToEventLoop = 0; yieldToEventLoop < 10; yieldToEventLoop++) await settle();
  }

  async record(id: string): Promise<LedgerRecord | Notification | undefined> {
    return await this.buffer.find(id);
  }

  /** `state: transport state …` */
  async summary(id: string): Promise<string> {
    const record = await this.record(id);
    if (!record) return "unknown";
    if (!("state" in record)) return "in_flight";
    const { state, reason = "", targets } = record;
    return [state, reason, ...targets.map((one) => `${one.transport}=${one.state}`).sort()]
      .filter((part) => part !== "").join(" ");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const stopping = this.pipeline.stop();
    for (let second = 0; second < 30; second++) await this.clock.advance(1000);
    await stopping;
    await this.store[Symbol.asyncDispose]();
  }

  #drop(target: Target): boolean {
    const before = this.targets.length;
    this.targets = this.targets.filter((one) => one.subscriptionId !== target.subscriptionId);
    return this.targets.length < before;
  }

  #replace(target: Target, token: string): boolean {
    this.targets = this.targets.map((one) =>
      one.subscriptionId === target.subscriptionId ? { ...one, token } : one
    );
    return true;
  }
}

function socketTarget(owner: Pick<Target, "context" | "user" | "client">): Target {
  return { ...owner, transport: "websocket", token: "", refreshedAt: 0 };
}
