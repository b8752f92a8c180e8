/**
 * When a notification is to be delivered: an instant, or a local time in a time zone. Pure. A local
 * time that daylight saving skips is moved to after the gap by its length; of one that it repeats,
 * the earlier is taken (Temporal's disambiguation `compatible`, as in RFC 5545 §3.3.5).
 */

/** A local time: `08:00` is the next time that the clock shows it. */
interface LocalTime {
  /** `HH:MM`, or `YYYY-MM-DDTHH:MM`. */
  readonly local: string;
  /** IANA name; absent: the user's own zone. */
  readonly timeZone?: string | undefined;
}

/** An instant as an RFC 3339 text with its offset, or a local time. */
export type DeliverAt = string | LocalTime;

/** The furthest that a notification can be scheduled ahead. */
export const MAX_SCHEDULE_MS = 30 * 24 * 3_600_000;

/** The time in epoch milliseconds, or why there is none. */
type ResolvedTime =
  | { readonly ok: true; readonly atMs: number }
  | { readonly ok: false; readonly why: string };

/** Whether a text is a local time that exists on some calendar day. */
export function isLocalTime(text: string): boolean {
  if (/^\d\d:\d\d$/.test(text)) return parse(() => Temporal.PlainTime.from(text)) !== undefined;
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(text) &&
    parse(() => Temporal.PlainDateTime.from(text, { overflow: "reject" })) !== undefined;
}

/**
 * Resolves a time that a publisher asked for.
 *
 * @param options.now epoch milliseconds
 * @param options.timeZone the user's zone, for local times without one
 */
export function resolveDeliverAt(
  at: DeliverAt,
  { now, timeZone }: { readonly now: number; readonly timeZone: string },
): ResolvedTime {
  const atMs = typeof at === "string"
    ? Date.parse(at)
    : parse(() => localTime(at.local, { zone: at.timeZone ?? timeZone, now }));
  if (atMs === undefined || Number.isNaN(atMs)) return { ok: false, why: "is no time" };
  if (atMs <= now) return { ok: false, why: "is in the past" };
  if (atMs > now + MAX_SCHEDULE_MS) return { ok: false, why: "is more than 30 days ahead" };
  return { ok: true, atMs };
}

/**
 * The zone in which a local time comes last. Where many users are notified in zones of their own, it
 * must neither be over in all of them nor too far ahead in any.
 */
export const LAST_TIME_ZONE = "Etc/GMT+12";

/**
 * Returns when a user in a zone is notified, in epoch milliseconds; it may have passed.
 *
 * @param text `HH:MM`: the next time after `now`; or `YYYY-MM-DDTHH:MM`
 */
export function localTime(
  text: string,
  { zone, now }: { readonly zone: string; readonly now: number },
): number {
  if (text.includes("T")) {
    return Temporal.PlainDateTime.from(text).toZonedDateTime(zone).epochMilliseconds;
  }
  const today = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(zone).toPlainDate();
  const plainTime = Temporal.PlainTime.from(text);
  const first = today.toZonedDateTime({ timeZone: zone, plainTime }).epochMilliseconds;
  if (first > now) return first;
  return today.add({ days: 1 }).toZonedDateTime({ timeZone: zone, plainTime }).epochMilliseconds;
}

function parse<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
