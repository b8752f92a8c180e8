/**
 * The eleven kinds of push that APNs knows, with the rules that it would otherwise enforce by an
 * error, a delay or by silently dropping the push ("Sending notification requests to APNs").
 */

import type { ApnAuth } from "./settings.ts";

/** Value of the `apns-priority` header. */
export type ApnPriority = 1 | 5 | 10;

interface PushTypeRule {
  /** What the topic has after the bundle id. */
  readonly suffix: string;
  /** Bytes. */
  readonly maxPayload: number;
  readonly priorities: readonly ApnPriority[];
  /** Whatever the notification's own priority: these are about what happens right now. */
  readonly always?: ApnPriority;
  readonly tokenAuthOnly?: true;
}

const ANY: readonly ApnPriority[] = [1, 5, 10];
const PAYLOAD = 4096;

/** Kind → its rules. */
export const PUSH_TYPES = {
  alert: { suffix: "", maxPayload: PAYLOAD, priorities: ANY },
  background: { suffix: "", maxPayload: PAYLOAD, priorities: [5], always: 5 },
  voip: { suffix: ".voip", maxPayload: 5120, priorities: ANY, always: 10 },
  complication: { suffix: ".complication", maxPayload: PAYLOAD, priorities: ANY },
  fileprovider: { suffix: ".pushkit.fileprovider", maxPayload: PAYLOAD, priorities: ANY },
  // Its topic is the UID of the management certificate, to be configured as it is.
  mdm: { suffix: "", maxPayload: PAYLOAD, priorities: ANY },
  liveactivity: { suffix: ".push-type.liveactivity", maxPayload: PAYLOAD, priorities: [5, 10] },
  location: {
    suffix: ".location-query",
    maxPayload: PAYLOAD,
    priorities: [5, 10],
    tokenAuthOnly: true,
  },
  pushtotalk: { suffix: ".voip-ptt", maxPayload: PAYLOAD, priorities: ANY, always: 10 },
  controls: { suffix: ".push-type.controls", maxPayload: PAYLOAD, priorities: ANY },
  widgets: { suffix: ".push-type.widgets", maxPayload: PAYLOAD, priorities: ANY },
} as const satisfies Record<string, PushTypeRule>;

/** Value of the `apns-push-type` header. */
export type PushType = keyof typeof PUSH_TYPES;

/** Whether a value names a kind of push. */
export function isPushType(value: unknown): value is PushType {
  return typeof value === "string" && Object.hasOwn(PUSH_TYPES, value);
}

/** The rules of one kind. */
export function pushTypeRule(type: PushType): PushTypeRule {
  return PUSH_TYPES[type];
}

/** The `apns-topic` of a kind, whether or not the configured topic has the suffix already. */
export function apnsTopic(type: PushType, bundleId: string): string {
  const { suffix } = PUSH_TYPES[type];
  return bundleId.endsWith(suffix) ? bundleId : bundleId + suffix;
}

/** Why APNs would not take a push of this kind, or nothing where it would. */
export function pushTypeFault(
  type: PushType,
  { priority, auth }: { readonly priority: ApnPriority; readonly auth: ApnAuth["type"] },
): string | undefined {
  const rule = pushTypeRule(type);
  if (!rule.priorities.includes(priority)) {
    return `push type '${type}' must have priority ${
      rule.priorities.join(" or ")
    }: got ${priority}`;
  }
  if (rule.tokenAuthOnly && auth !== "jwt") return `push type '${type}' needs authtype 'jwt'`;
  return undefined;
}
