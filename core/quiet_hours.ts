/**
 * Quiet hours: daily times in a user's time zone in which nothing is shown on stored addresses.
 * Pure. Local times that daylight saving skips or repeats are resolved as Temporal's `compatible`.
 */

/** The quiet hours of one user, for one client and topic. */
export interface QuietRules {
  /** `HH:MM-HH:MM`, also across midnight; the end may be `24:00`. */
  readonly times: readonly string[];
  readonly action: QuietAction;
  /** Whether notifications of priority `high` are sent as usual. */
  readonly breakThrough: boolean;
  /** An IANA name. */
  readonly timeZone: string;
}

/** What becomes of a message: nothing, a silent message, or a part of a digest afterwards. */
export type QuietAction = "drop" | "silent" | "hold";

const TIMES = /^([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/;
const DAY_MINUTES = 24 * 60;

/** Whether a text is a time span: it has a length, and its hours exist. */
export function isTimeSpan(text: string): boolean {
  return spanOf(text) !== undefined;
}

/**
 * Returns when the quiet hours end that a moment is in; `undefined` where it is in none. Spans that
 * follow one another are one.
 *
 * @param now epoch milliseconds, as the result
 */
export function quietUntil(
  { times, timeZone }: Pick<QuietRules, "times" | "timeZone">,
  now: number,
): number | undefined {
  let until: number | undefined;
  for (let count = 0; count <= times.length; count++) {
    const end = endAt(times, { timeZone, now: until ?? now });
    if (end === undefined) return until;
    until = end;
  }
  return until;
}

function endAt(
  times: readonly string[],
  { timeZone, now }: { readonly timeZone: string; readonly now: number },
): number | undefined {
  const local = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timeZone);
  const minute = local.hour * 60 + local.minute;
  let latest: number | undefined;
  for (const text of times) {
    const span = spanOf(text);
    if (!span) continue;
    const { from, to } = span;
    const wraps = to <= from;
    if (wraps ? minute < from && minute >= to : minute < from || minute >= to) continue;
    const days = to === DAY_MINUTES || (wraps && minute >= from) ? 1 : 0;
    const plainTime = new Temporal.PlainTime(Math.floor(to / 60) % 24, to % 60);
    const end = local.toPlainDate().add({ days }).toZonedDateTime({ timeZone, plainTime })
      .epochMilliseconds;
    // In an hour that is repeated, the end has passed already.
    if (end > now && (latest === undefined || end > latest)) latest = end;
  }
  return latest;
}

/** Minutes of the day. */
function spanOf(text: string): { readonly from: number; readonly to: number } | undefined {
  const found = TIMES.exec(text);
  if (!found) return undefined;
  const [, fromHour, fromMinute, toHour, toMinute] = found;
  const from = Number(fromHour) * 60 + Number(fromMinute);
  const to = toHour === undefined ? DAY_MINUTES : Number(toHour) * 60 + Number(toMinute);
  return from === to ? undefined : { from, to };
}
