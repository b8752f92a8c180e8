/**
 * The stages that create delivery: subscriptions and their matcher, transports, message generation
 * with the templates of `pns-messages.yml`, the pipeline, and the test send of one subscription,
 * which bypasses the buffer and the queues.
 */

import type { Cascade, View } from "../cascade/mod.ts";
import type { Clock } from "../core/clock.ts";
import type { IdSource } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import { localeChain } from "../core/locale.ts";
import type { Message } from "../core/message.ts";
import type { Notification } from "../core/notification.ts";
import {
  type Subscription,
  type Target,
  targetOf,
  type TransportName,
} from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";
import { placeOf } from "../core/file_fault.ts";
import {
  createExplain,
  createPipeline,
  type Explain,
  type LanguageChoice,
  type Pipeline,
  type PipelineOptions,
  publishUnread,
  type ReceiptTokens,
} from "../delivery/mod.ts";
import { Inbox, type InboxChange } from "../inbox/mod.ts";
import {
  compileTemplates,
  createMessageGenerator,
  type MessageOptions,
  NO_TEMPLATES,
} from "../messages/mod.ts";
import {
  CandidateCache,
  createMatcher,
  Groups,
  type Matcher,
  SubscriptionRepository,
} from "../subscriptions/mod.ts";
import type { TestSendResult } from "../routes/mod.ts";
import type { Authentication } from "./authentication.ts";
import { createAudienceReader } from "./audience.ts";
import { followChanges } from "./changes.ts";
import type { Foundation, JoinedParts } from "./foundation.ts";
import { SocketClients } from "./sockets.ts";
import {
  chooseHttpEngine,
  createTransportRegistry,
  type TransportRegistry,
} from "./transport_registry.ts";

/** The subscriptions of all users and the socket clients that topics are matched with. */
export interface SubscriptionParts {
  readonly clients: SocketClients;
  readonly repository: SubscriptionRepository;
  readonly matcher: Matcher;
  readonly groups: Groups;
}

/** Creates the repository and the matcher, and keeps the caches up to date with other nodes. */
export function createSubscriptions(
  { backend, cascade, changes, attributes, opened, ids, clock, random, log }: Foundation,
  { changes: feed, keys, sessions }: JoinedParts & Authentication,
): SubscriptionParts {
  const { store, hasOthers } = backend;
  const clients = new SocketClients({ cascade, log });
  const candidates = new CandidateCache(store);
  const repository = new SubscriptionRepository({
    ...{ store, candidates, clock, random, newId: ids, onChanged: changes.publish },
    maxPerUser: cascade.current().settings.subscriptions.maxPerUser,
  });
  if (hasOthers) {
    const caches = { attributes, candidates, keys, sessions };
    opened.use(followChanges(feed, caches, { clock, random, log }));
  }
  const interests = (client: string) => clients.interests(client);
  const matcher = createMatcher({ candidates, clock, interests });
  return { clients, repository, matcher, groups: new Groups(store) };
}

/** The transports, the pipeline, and what is built with the same messages. */
export interface Delivery {
  readonly registry: TransportRegistry;
  readonly pipeline: Pipeline;
  readonly messages: Messages;
  readonly inbox: Inbox;
  /** Tells a user's open connections how many notifications in the inbox are unread. */
  readonly onInboxChanged: (change: InboxChange) => Promise<void>;
  /** Sends a test message to one subscription; returns the outcome and the message. */
  readonly testSend: (subscription: Subscription) => Promise<TestSendResult>;
  /** Explains what would happen to a notification. */
  readonly explain: Explain;
}

/** Creates the transports and the pipeline. The pipeline does nothing until it is started. */
export function createDelivery(
  foundation: Foundation,
  { receiptTokens, ...parts }: JoinedParts & SubscriptionParts & {
    readonly receiptTokens: ReceiptTokens;
  },
): Delivery {
  const { buffer, hub, limiter, tokens, commit, clients, repository, matcher, groups } = parts;
  const { backend, cascade, environment, opened, clock, log, variables } = foundation;
  const registry = opened.use(createTransportRegistry({
    ...{ hub, cascade, configDir: environment.configDir, clock, log },
    engine: chooseHttpEngine({ ...cascade.current().settings.http, variables, clock, log }),
    ...(tokens && { sharedTokens: tokens }),
    metaOf: async (id) => (await repository.get(id))?.meta,
  }));
  const { transports } = registry;
  const messages = createMessages({ cascade, log });
  const { generate, language } = messages;
  const inbox = new Inbox({
    ...{ store: backend.store, clock },
    limits() {
      const { maxItems, retentionDays } = cascade.current().settings.inbox;
      return { maxItems, retentionMs: retentionDays * DAY_MS };
    },
  });
  const onInboxChanged = (change: InboxChange) =>
    publishUnread([change], { sockets: hub, ids: foundation.ids });
  const pipeline = createPipeline({
    ...{ ...foundation, buffer, limiter, commit, transports, generate, inbox, fetch },
    receiptTokens,
    readAudience: createAudienceReader({ store: backend.store, groups, clock }),
    store: backend.store,
    sockets: hub,
    subscriptions: subscriptionsOf(repository, matcher),
    settings: () => cascade.current().settings,
    configuration: () => cascade.current(),
  });
  const testSend = createTestSend({
    ...{ ...foundation, transports, generate },
    viewOf: ({ context, user }) => cascade.current().view(context, user),
  });
  const explain = createExplain({
    ...{ transports, generate, language, clock, matching: matcher, serves: pipeline.serves },
    snapshot: () => cascade.current(),
    presence: async (user) => (await hub.presence([user]))[0] ?? [],
    subscriptions: async (owner) => (await repository.list({ ...owner, limit: 1000 })).items,
    interests: (client) => clients.interests(client),
    breaker: (transport, client) => pipeline.queues.peek(transport, client)?.breaker,
  });
  return { registry, pipeline, messages, inbox, onInboxChanged, testSend, explain };
}

const DAY_MS = 86_400_000;
const FILE = "pns-messages.yml";
const FACADE = "com.openexchange.pns.mobile.api.facade.apn";

/** Generates messages, and reads their templates again after a reload. */
interface Messages {
  generate(notification: Notification, target: Target, view: View): Message;
  /** Returns which language a message would have, and why; see {@link LanguageChoice}. */
  language(notification: Notification, target: Target, view: View): LanguageChoice | undefined;
  /** Bad templates are logged and left out. */
  reload(): void;
}

/** Creates the generator of messages, with the templates of the current configuration. */
export function createMessages(
  { cascade, log }: { readonly cascade: Cascade; readonly log: Log },
): Messages {
  let templates = NO_TEMPLATES;
  const generator = createMessageGenerator({ templates: () => templates });

  function reload(): void {
    const compiled = compileTemplates(FILE, cascade.current().file(FILE) ?? "");
    for (const fault of compiled.faults) log.error(fault.message, { place: placeOf(fault) });
    templates = compiled.templates;
  }

  /** Most users share a view, so the options of the last one mostly are those of the next. */
  let last: ReturnType<typeof messageOptions> | undefined;

  function optionsOf({ transport, locale }: Target, view: View): MessageOptions {
    if (last?.view !== view) last = messageOptions(view);
    // The original applies the others to Apple devices only.
    const options = transport === "apn" ? last.apple : last.other;
    if (locale === undefined) return options;
    return { ...options, locales: [...localeChain([locale]), ...last.locales] };
  }

  reload();
  return {
    reload,
    generate(notification, target, view) {
      return generator.generate(notification, target, optionsOf(target, view));
    },
    language(notification, target, view) {
      const wanted = wantedLocales(target, view);
      const locales = wanted.map(({ locale }) => locale);
      const found = generator.languages(notification, target, locales);
      return found && { wanted, ...found };
    },
  };
}

/** Returns the message options of a view's users, without the languages of subscriptions. */
function messageOptions(view: View) {
  const locales = userLocales(view);
  const apple = {
    locales,
    badge: view.get(`${FACADE}.badge.enabled`),
    sound: view.get(`${FACADE}.sound.enabled`),
    soundName: view.get(`${FACADE}.sound.filename`),
  };
  return { view, locales, apple, other: { locales } };
}

/** Returns the languages to try, the best first: those of the subscription, then the user's. */
function wantedLocales({ locale: own }: Target, view: View): LanguageChoice["wanted"] {
  return [
    ...localeChain([own]).map((locale) => ({ locale, from: "subscription" as const })),
    ...userLocales(view).map((locale) => ({ locale, from: "user" as const })),
  ];
}

function userLocales(view: View): readonly string[] {
  const locale = view.get("io.carillon.locale");
  return localeChain([locale === "" ? undefined : locale]);
}

function subscriptionsOf(
  repository: SubscriptionRepository,
  matcher: Matcher,
): PipelineOptions["subscriptions"] {
  return {
    match: (notification, connected) => matcher.match(notification, connected),
    prefetch: (users) => matcher.prefetch(users),
    remove: (target) => repository.remove(target),
    async replaceToken(target, token) {
      return await repository.replaceToken(target, token) !== "unchanged";
    },
    async refresh({ subscriptionId }) {
      const found = subscriptionId && await repository.get(subscriptionId);
      return found ? targetOf(found) : undefined;
    },
  };
}

const TEST_SEND_TIMEOUT_MS = 15_000;

function createTestSend(
  { transports, ids, clock, generate, viewOf }: {
    readonly transports: ReadonlyMap<TransportName, Transport>;
    readonly ids: IdSource;
    readonly clock: Clock;
    readonly generate: Messages["generate"];
    readonly viewOf: (target: Target) => View | Promise<View>;
  },
): Delivery["testSend"] {
  return async (subscription) => {
    const { context, user, client, transport: name } = subscription;
    const transport = transports.get(name)!;
    if (!transport.serves(client)) {
      const reason = `${name} has no options for ${client}`;
      return { outcome: { kind: "misconfigured", reason } };
    }
    const target = targetOf(subscription);
    const message = generate(
      {
        ...{ id: ids(), context, user, topic: "carillon:test", acceptedAt: clock.now() },
        priority: "high",
        data: JSON.stringify({ title: "Carillon", message: "This is a test. Your bell rings." }),
      },
      target,
      await viewOf(target),
    );
    const signal = AbortSignal.timeout(TEST_SEND_TIMEOUT_MS);
    const outcome = await transport.send(target, message, signal);
    const preview = transport.preview?.(target, message);
    return { outcome, message, ...(preview && { preview }) };
  };
}
