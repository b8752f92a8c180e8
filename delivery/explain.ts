/**
 * Explains what would happen to a notification now: its targets and the settings that decide, why
 * there are no others, how long it would wait, the limits, and the rendered messages. It decides
 * with the same functions as delivery, and sends and stores nothing.
 */

import type {
  ContextSetsExplanation,
  Settings,
  Snapshot,
  TrailStep,
  View,
} from "../cascade/mod.ts";
import type { Clock } from "../core/clock.ts";
import { messageOf, ServiceError } from "../core/errors.ts";
import type { Presence } from "../core/events.ts";
import type { Message } from "../core/message.ts";
import type { MessagePreview } from "../core/message_preview.ts";
import { DELAY_FACTOR, type Notification } from "../core/notification.ts";
import type { Subscription, Target, TransportName } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";
import { clientsOf } from "../core/socket_events.ts";
import type { TemplateLanguages } from "../messages/mod.ts";
import {
  type AbsentTarget,
  absentTargets,
  passesFilter,
  type TargetFilter,
} from "./absent_targets.ts";
import type { Breaker } from "./breaker.ts";
import { type DeliverAt, resolveDeliverAt } from "./deliver_at.ts";
import type { Matching } from "./dispatch.ts";
import { type FirstAttempt, firstAttempt } from "./first_attempt.ts";
import { plan } from "./plan.ts";
import { providerQueueSettings } from "./policies.ts";
import { silenced } from "./quiet.ts";

/** Dependencies of {@link createExplain}. */
interface ExplainOptions {
  readonly snapshot: () => Snapshot;
  readonly matching: Pick<Matching, "match">;
  /** Returns the user's sockets on all nodes. */
  readonly presence: (
    user: Pick<Notification, "context" | "user">,
  ) => readonly Presence[] | Promise<readonly Presence[]>;
  /** Returns the user's subscriptions. */
  readonly subscriptions: (
    user: Pick<Notification, "context" | "user">,
  ) => Promise<readonly Subscription[]>;
  readonly interests: (client: string) => readonly string[];
  readonly serves: (transport: TransportName, client: string) => boolean;
  readonly transports: ReadonlyMap<TransportName, Transport>;
  readonly generate: (notification: Notification, target: Target, view: View) => Message;
  /** Returns the language of the generated message; undefined where its template has only one. */
  readonly language: (
    notification: Notification,
    target: Target,
    view: View,
  ) => LanguageChoice | undefined;
  /** Returns the breaker of a provider queue; undefined where nothing was sent yet. */
  readonly breaker: (transport: TransportName, client: string) => Breaker | undefined;
  readonly clock: Pick<Clock, "now">;
}

/** Which language a message has. */
export interface LanguageChoice extends TemplateLanguages {
  /** The languages that were tried, the best first, and who wants them. */
  readonly wanted: readonly {
    readonly locale: string;
    readonly from: "subscription" | "user";
  }[];
}

/** What would happen at one target. */
interface ExplainedTarget extends FirstAttempt {
  readonly target: Target;
  readonly trail: readonly TrailStep[];
  /** The message; absent where it cannot be generated. */
  readonly message?: Message;
  readonly preview?: MessagePreview;
  readonly language?: LanguageChoice;
  /** Why messages would wait although the target is enabled. */
  readonly waits?: string;
  /** The most sends a second of its provider queue; absent for sockets and without a limit. */
  readonly maxPerSecond?: number;
}

/** What would happen to a notification. */
export interface Explanation {
  readonly targets: readonly ExplainedTarget[];
  readonly absent: readonly AbsentTarget[];
  /** For a client and transport without a target: what its switch says. */
  readonly hypothetical?: {
    readonly enabled: boolean;
    readonly serves: boolean;
    readonly trail: readonly TrailStep[];
  };
  /** Epoch milliseconds, where it is delivered later. */
  readonly deliverAt?: number;
  readonly contextSets: ContextSetsExplanation;
  readonly delay: DelayExplanation;
  readonly limits: LimitsExplanation;
}

/** How long a notification waits in the buffer for similar ones, in milliseconds. */
interface DelayExplanation {
  readonly waitsMs: number;
  /** The longest wait where similar ones keep arriving. */
  readonly atMostMs: number;
  /** The interval between two checks for due notifications. */
  readonly checkedEveryMs: number;
}

/** The limits of publishing; 0: no limit. */
interface LimitsExplanation {
  readonly maxPerSecondPerKey: number;
  readonly maxPerSecondPerContext: number;
  readonly maxPayloadBytes: number;
  readonly maxSubscriptionsPerUser: number;
}

/**
 * Explains a notification, which need not have been published.
 *
 * @throws {ServiceError} `invalid_request` where `deliverAt` is no time that a publish could name,
 * `store_unavailable`; the promise rejects with it
 */
export type Explain = (
  notification: Notification,
  options?: TargetFilter & {
    /** When it is delivered; absent: at once, or when the notification says. */
    readonly deliverAt?: DeliverAt | undefined;
  },
) => Promise<Explanation>;

/** Creates the function that explains. */
export function createExplain(options: ExplainOptions): Explain {
  const { snapshot, matching, presence, interests, serves, transports, clock } = options;

  function rendered(
    notification: Notification,
    target: Target,
    { view, isSilent }: { readonly view: View; readonly isSilent: boolean },
  ): Pick<ExplainedTarget, "message" | "preview"> {
    try {
      const generated = options.generate(notification, target, view);
      const message = isSilent ? silenced(generated) : generated;
      const preview = transports.get(target.transport)?.preview?.(target, message);
      return { message, ...preview && { preview } };
    } catch (thrown) {
      return { preview: { kind: "rejected", reason: messageOf(thrown, 200) } };
    }
  }

  function waits({ transport, client }: Target): string | undefined {
    const status = transports.get(transport)?.status().find((one) => one.client === client);
    if (status && !status.ready) return status.detail ?? "its options are faulty";
    const breaker = options.breaker(transport, client);
    return breaker?.state === "open" ? `the breaker is open: ${breaker.reason}` : undefined;
  }

  function queueLimit({ transport }: Target, settings: Settings): number {
    const traits = transports.get(transport)?.traits;
    return traits ? providerQueueSettings(settings, traits).maxPerSecond : 0;
  }

  function trailOf(
    { quiet, language }: Pick<ExplainedTarget, "quiet" | "language">,
    { target: { transport, client }, topic, view }: {
      readonly target: Target;
      readonly topic: string;
      readonly view: View;
    },
  ): readonly TrailStep[] {
    return [
      ...view.explain(transport, client, topic).trail,
      ...quiet ? view.explainQuiet(client, topic).trail : [],
      ...quiet ? view.explainKey("io.carillon.timeZone").trail : [],
      ...language ? view.explainKey("io.carillon.locale").trail : [],
    ];
  }

  return async (notification, { deliverAt, ...filter } = {}) => {
    const { context, user, topic } = notification;
    const current = snapshot();
    const { settings } = current;
    const now = clock.now();
    const present = await presence(notification);
    const [view, found, subscriptions, contextSets] = await Promise.all([
      current.view(context, user),
      matching.match(notification, clientsOf(present)),
      options.subscriptions(notification),
      current.explainSets(context, user),
    ]);
    const steps = plan(notification, found, { permissions: view, serves, present });
    const { escalateAfterMs, deliverAt: scheduledAt } = notification.options ?? {};
    const later = deliverAt === undefined ? scheduledAt : timeOf(deliverAt, { view, now });
    const at = later ?? now;
    // A socket that is open, or closed so recently that its client may resume.
    const hasSocket = steps.some(({ target, send }) => send && target.subscriptionId === undefined);
    const escalatesAt = escalateAfterMs === undefined || !hasSocket
      ? undefined
      : at + escalateAfterMs;
    const shown = steps.filter(({ target }) => passesFilter(target, filter));
    const explained = shown.map((planned): ExplainedTarget => {
      const { target } = planned;
      const attempt = firstAttempt(planned, notification, { permissions: view, at, escalatesAt });
      const language = options.language(notification, target, view);
      const isAddress = target.subscriptionId !== undefined;
      const why = isAddress ? waits(target) : undefined;
      const maxPerSecond = isAddress ? queueLimit(target, settings) : 0;
      const isSilent = attempt.quiet?.action === "silent";
      return {
        ...{ target, ...attempt },
        trail: trailOf({ ...attempt, ...language && { language } }, { target, topic, view }),
        ...language && { language },
        ...rendered(notification, target, { view, isSilent }),
        ...why !== undefined && { waits: why },
        ...maxPerSecond > 0 && { maxPerSecond },
      };
    });
    const { client, transport } = filter;
    const factor = DELAY_FACTOR[notification.priority];
    const { delayDuration, maxDelayDuration, timerFrequency } = settings.buffer;
    return {
      targets: explained,
      absent: absentTargets(topic, { subscriptions, present, interests, now }, filter),
      ...client !== undefined && transport !== undefined && shown.length === 0 && {
        hypothetical: {
          enabled: view.enabled(transport, client, topic),
          serves: serves(transport, client),
          trail: view.explain(transport, client, topic).trail,
        },
      },
      ...later !== undefined && { deliverAt: later },
      contextSets,
      delay: {
        waitsMs: delayDuration * factor,
        atMostMs: delayDuration === 0 ? 0 : Math.max(delayDuration, maxDelayDuration) * factor,
        checkedEveryMs: timerFrequency,
      },
      limits: {
        maxPerSecondPerKey: settings.publish.maxPerSecondPerKey,
        maxPerSecondPerContext: view.get("io.carillon.publish.maxPerSecondPerContext"),
        maxPayloadBytes: settings.publish.maxPayloadBytes,
        maxSubscriptionsPerUser: settings.subscriptions.maxPerUser,
      },
    };
  };
}

/** @throws {ServiceError} `invalid_request` */
function timeOf(
  deliverAt: DeliverAt,
  { view, now }: { readonly view: View; readonly now: number },
): number {
  const found = resolveDeliverAt(deliverAt, { now, timeZone: view.get("io.carillon.timeZone") });
  if (found.ok) return found.atMs;
  throw new ServiceError("invalid_request", `Cannot explain: deliverAt ${found.why}`, {
    faults: [{ path: "deliverAt", message: found.why }],
  });
}
