/** The `Retry-After` header (RFC 9110 §10.2.3), which providers send as seconds or as a date. */

/** Bounds of the wait. */
export interface RetryAfterBounds {
  /** The least to wait, whatever the header says or if there is none; from the provider's docs. */
  readonly floorMs: number;
  /**
   * The most that a header is believed.
   * @default {3_600_000}
   */
  readonly capMs?: number;
}

/** IMF-fixdate and the two obsolete forms; `Date.parse` alone would take `7` for a month. */
const HTTP_DATE = /^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}/;

/** Milliseconds to wait: the larger of the header, cut at the cap, and the floor. */
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
  // The asctime form names no zone and means GMT.
  const at = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(at) ? 0 : Math.max(0, at - nowMs);
}
