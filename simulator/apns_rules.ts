/**
 * What APNs refuses in a request of a known sender: headers, topic, device token and payload
 * (Apple: "Sending notification requests to APNs"). Pure; the reasons are Apple's.
 */

import { isJsonObject, type JsonObject, parseJsonObject } from "../core/json.ts";
import type { ProviderRequest } from "./exchange.ts";

interface ApnsRequest extends Pick<ProviderRequest, "headers" | "repeated" | "body"> {
  readonly deviceToken: string;
  /** Bundle ids that the sender may push to. */
  readonly bundleIds: ReadonlySet<string>;
  /** Whether the sender used a certificate instead of a token. */
  readonly byCertificate: boolean;
}

/** Accepted with its payload, or refused. */
type ApnsCheckResult =
  | { readonly ok: true; readonly payload: JsonObject }
  | { readonly ok: false; readonly status: number; readonly reason: string };

/** Push type → the end of its topic. `mdm` has a topic of its own kind. */
const SUFFIX: Readonly<Record<string, string>> = {
  alert: "",
  background: "",
  voip: ".voip",
  complication: ".complication",
  fileprovider: ".pushkit.fileprovider",
  liveactivity: ".push-type.liveactivity",
  location: ".location-query",
  pushtotalk: ".voip-ptt",
  controls: ".push-type.controls",
  widgets: ".push-type.widgets",
  mdm: "",
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MAX_COLLAPSE_ID_BYTES = 64;
const MAX_BYTES = 4096;
const MAX_VOIP_BYTES = 5120;
const encoder = new TextEncoder();

/** Checks a request; the order of the rules decides which fault is named. */
export function checkApnsRequest(request: ApnsRequest): ApnsCheckResult {
  const fault = headerFault(request) ?? topicFault(request);
  if (fault !== undefined) return fault;
  if (!/^([0-9a-f]{2})+$/i.test(request.deviceToken)) return refuse("BadDeviceToken");
  return checkPayload(request);
}

function headerFault({ headers, repeated }: ApnsRequest): ApnsCheckResult | undefined {
  if (repeated.some((name) => name.startsWith("apns-"))) return refuse("DuplicateHeaders");
  const id = headers["apns-id"];
  if (id !== undefined && !UUID.test(id)) return refuse("BadMessageId");
  const expiration = headers["apns-expiration"];
  if (expiration !== undefined && !/^\d{1,12}$/.test(expiration)) {
    return refuse("BadExpirationDate");
  }
  const type = headers["apns-push-type"];
  if (type !== undefined && !Object.hasOwn(SUFFIX, type)) return refuse("InvalidPushType");
  // Without the header the priority is 10, which a background push must not have.
  const priority = headers["apns-priority"] ?? "10";
  const allowed = type === "background"
    ? ["5"]
    : type === "liveactivity"
    ? ["5", "10"]
    : ["1", "5", "10"];
  if (!allowed.includes(priority)) return refuse("BadPriority");
  const collapseId = headers["apns-collapse-id"];
  if (collapseId !== undefined && encoder.encode(collapseId).length > MAX_COLLAPSE_ID_BYTES) {
    return refuse("BadCollapseId");
  }
}

function topicFault(request: ApnsRequest): ApnsCheckResult | undefined {
  const { headers, bundleIds, byCertificate } = request;
  const topic = headers["apns-topic"];
  const type = headers["apns-push-type"];
  if (type === "location" && byCertificate) return refuse("Forbidden", 403);
  if (topic === undefined) {
    return byCertificate && bundleIds.size === 1 ? undefined : refuse("MissingTopic");
  }
  if (!/^[A-Za-z0-9.-]+$/.test(topic)) return refuse("BadTopic");
  const suffixes = type === undefined ? Object.values(SUFFIX) : [SUFFIX[type] ?? ""];
  const allowed = suffixes.some((suffix) =>
    topic.endsWith(suffix) && bundleIds.has(topic.slice(0, topic.length - suffix.length))
  );
  if (!allowed) return refuse("TopicDisallowed");
}

function checkPayload({ headers, body }: ApnsRequest): ApnsCheckResult {
  const type = headers["apns-push-type"];
  const limit = type === "voip" ? MAX_VOIP_BYTES : MAX_BYTES;
  if (body === undefined || body.length > limit) return refuse("PayloadTooLarge", 413);
  const payload = parse(body);
  if (payload === undefined || !isJsonObject(payload.aps)) return refuse("PayloadEmpty");
  const aps = payload.aps;
  const shows = ["alert", "badge", "sound"].some((key) => aps[key] !== undefined);
  const wakes = aps["content-available"] === 1;
  const fits = type === "background" ? wakes && !shows : type !== "alert" || shows;
  return fits ? { ok: true, payload } : refuse("InvalidPushType");
}

function parse(body: Uint8Array): JsonObject | undefined {
  try {
    return parseJsonObject(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function refuse(reason: string, status = 400): ApnsCheckResult {
  return { ok: false, status, reason };
}
