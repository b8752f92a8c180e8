/** Reads the `Retry-After` header (RFC 9110 §10.2.3), which is a number of seconds or a date. */

interface RetryAfterBounds {
  /** The shortest wait, from the provider's documentation; it applies without a header, too. */
  readonly floorMs: number;
  /** The longest wait that a header can ask for. @default {3_600_000} */
  readonly capMs?: number;
}

/** IMF-fixdate and the two obsolete forms; `Date.parse` alone would take `7` for a month. */
const HTTP_DATE = /^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}/;

/** Returns the milliseconds to wait: the header's value within both bounds. */
export function retryAfterMs(
  header: string | null,
  nowMs: number,
  { floorMs, capMs = 3_600_000 }: RetryAfterBounds,
): number {
  return Math.max(floorMs, Math.min(capMs, headerMs(header?.trim() ?? "", nowMs)));
}

function headerMs(text: string, nowMs: number): number {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  if (!HTTP_DATE.test(text)) return 0;
  // The asctime form has no zone and means GMT.
  const at = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(at) ? 0 : Math.max(0, at - nowMs);
}
