/**
 * The eleven push types of APNs and their rules, which APNs enforces by an error, a delay or by
 * silently dropping the push ("Sending notification requests to APNs").
 */

import type { ApnAuth } from "./settings.ts";

/** Value of the `apns-priority` header. */
export type ApnPriority = 1 | 5 | 10;

interface PushTypeRule {
  /** What follows the bundle id in the topic. */
  readonly suffix: string;
  /** Bytes. */
  readonly maxPayload: number;
  readonly priorities: readonly ApnPriority[];
  /** Overrides the notification's priority: these pushes are about what happens now. */
  readonly always?: ApnPriority;
  readonly tokenAuthOnly?: true;
}

const ANY: readonly ApnPriority[] = [1, 5, 10];
const PAYLOAD = 4096;

/** Type → its rules. */
export const PUSH_TYPES = {
  alert: { suffix: "", maxPayload: PAYLOAD, priorities: ANY },
  background: { suffix: "", maxPayload: PAYLOAD, priorities: [5], always: 5 },
  voip: { suffix: ".voip", maxPayload: 5120, priorities: ANY, always: 10 },
  complication: { suffix: ".complication", maxPayload: PAYLOAD, priorities: ANY },
  fileprovider: { suffix: ".pushkit.fileprovider", maxPayload: PAYLOAD, priorities: ANY },
  // Its topic is the UID of the management certificate, configured as it is.
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

/** Whether a value is a push type. */
export function isPushType(value: unknown): value is PushType {
  return typeof value === "string" && Object.hasOwn(PUSH_TYPES, value);
}

/** Returns the rules of a type. */
export function pushTypeRule(type: PushType): PushTypeRule {
  return PUSH_TYPES[type];
}

/** Returns the `apns-topic` of a type; the configured topic may already have the suffix. */
export function apnsTopic(type: PushType, bundleId: string): string {
  const { suffix } = PUSH_TYPES[type];
  return bundleId.endsWith(suffix) ? bundleId : bundleId + suffix;
}

/** Returns why APNs would refuse a push of this type, or `undefined`. */
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
