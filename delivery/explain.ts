/**
 * Explains what would happen to a notification now: its targets and the settings that decide, why
 * there are no others, how long it would wait, the limits, and the rendered messages. It decides
 * with the same functions as delivery, and sends and stores nothing.
 */

import type { ContextSetsExplanation, Settings, Snapshot, TrailStep } from "../cascade/mod.ts";
import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Presence } from "../core/events.ts";
import type { Message } from "../core/message.ts";
import type { MessagePreview } from "../core/message_preview.ts";
import { DELAY_FACTOR, type Notification } from "../core/notification.ts";
import type { Subscription, Target, TransportName } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";
import { clientsOf } from "../core/socket_events.ts";
import {
  type AbsentTarget,
  absentTargets,
  passesFilter,
  type TargetFilter,
} from "./absent_targets.ts";
import type { Breaker } from "./breaker.ts";
import type { Matching } from "./dispatch.ts";
import { type Permissions, plan, type TargetPlan } from "./plan.ts";
import { providerQueueSettings } from "./policies.ts";
import { type QuietDecision, quietDecision } from "./quiet.ts";

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
  readonly generate: (notification: Notification, target: Target) => Message | Promise<Message>;
  /** Returns the breaker of a provider queue; undefined where nothing was sent yet. */
  readonly breaker: (transport: TransportName, client: string) => Breaker | undefined;
  readonly clock: Pick<Clock, "now">;
}

/** What would happen at one target. */
interface ExplainedTarget {
  readonly target: Target;
  readonly step: TargetPlan;
  readonly trail: readonly TrailStep[];
  /** The message; absent where it cannot be generated. */
  readonly message?: Message;
  readonly preview?: MessagePreview;
  /** What quiet hours would do to it now, and until when in epoch milliseconds. */
  readonly quiet?: QuietDecision;
  /** Why and until when it would wait, if published now; in epoch milliseconds. */
  readonly held?: { readonly reason: "escalation" | "quiet hours"; readonly until: number };
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
 * @throws {ServiceError} `store_unavailable`; the promise rejects with it
 */
export type Explain = (
  notification: Notification,
  options?: TargetFilter & {
    /** Milliseconds after which stored addresses get it, if no socket has acknowledged it. */
    readonly escalateMs?: number;
  },
) => Promise<Explanation>;

/** Creates the function that explains. */
export function createExplain(options: ExplainOptions): Explain {
  const { snapshot, matching, presence, interests, serves, transports, clock } = options;

  async function rendered(
    notification: Notification,
    target: Target,
  ): Promise<Pick<ExplainedTarget, "message" | "preview">> {
    try {
      const message = await options.generate(notification, target);
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

  return async (notification, { escalateMs, ...filter } = {}) => {
    const { context, user, topic } = notification;
    const current = snapshot();
    const { settings } = current;
    const present = await presence(notification);
    const [view, found, subscriptions, contextSets] = await Promise.all([
      current.view(context, user),
      matching.match(notification, clientsOf(present)),
      options.subscriptions(notification),
      current.explainSets(context, user),
    ]);
    const targets = found.filter((target) => passesFilter(target, filter));
    const steps = plan(notification, targets, { permissions: view, serves, present });
    const now = clock.now();
    // A socket that is open, or closed so recently that its client may resume.
    const hasSocket = steps.some(({ target, send }) => send && target.subscriptionId === undefined);
    const escalatesAt = escalateMs === undefined || !hasSocket ? undefined : now + escalateMs;
    const explained = await Promise.all(steps.map(async (planned): Promise<ExplainedTarget> => {
      const { target } = planned;
      const { step, quiet, held } = deviation(planned, notification, {
        ...{ permissions: view, now, escalatesAt },
      });
      const ofSwitch = view.explain(target.transport, target.client, topic).trail;
      const trail = quiet
        ? [...ofSwitch, ...view.explainQuiet(target.client, topic).trail]
        : ofSwitch;
      const isAddress = target.subscriptionId !== undefined;
      const why = isAddress ? waits(target) : undefined;
      const maxPerSecond = isAddress ? queueLimit(target, settings) : 0;
      return {
        ...{ target, step, trail },
        ...quiet && { quiet },
        ...held && { held },
        ...await rendered(notification, target),
        ...why !== undefined && { waits: why },
        ...maxPerSecond > 0 && { maxPerSecond },
      };
    }));
    const { client, transport } = filter;
    const factor = DELAY_FACTOR[notification.priority];
    const { delayDuration, maxDelayDuration, timerFrequency } = settings.buffer;
    return {
      targets: explained,
      absent: absentTargets(
        topic,
        { subscriptions, present, interests, now },
        filter,
      ),
      ...client !== undefined && transport !== undefined && targets.length === 0 && {
        hypothetical: {
          enabled: view.enabled(transport, client, topic),
          serves: serves(transport, client),
          trail: view.explain(transport, client, topic).trail,
        },
      },
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

/** What quiet hours and escalation change for a stored address that is sent to. */
function deviation(
  step: TargetPlan,
  notification: Notification,
  { permissions, now, escalatesAt }: {
    readonly permissions: Permissions;
    readonly now: number;
    readonly escalatesAt: number | undefined;
  },
): { readonly step: TargetPlan } & Pick<ExplainedTarget, "quiet" | "held"> {
  const { target } = step;
  if (!step.send || target.subscriptionId === undefined) return { step };
  const quiet = quietDecision(notification, target, { permissions, now });
  if (quiet?.action === "drop") {
    const dropped = { target, send: false, state: "quiet", reason: "quiet hours" } as const;
    return { step: dropped, quiet };
  }
  if (quiet?.action === "hold") {
    return { step, quiet, held: { reason: "quiet hours", until: quiet.until } };
  }
  const held = escalatesAt === undefined || target.transport === "webhook"
    ? undefined
    : { reason: "escalation", until: escalatesAt } as const;
  return { step, ...quiet && { quiet }, ...held && { held } };
}
