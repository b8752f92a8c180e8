/**
 * Shows texts from outside. Every value is isolated from the direction of the text around it;
 * control characters and those that change the direction are shown as their numbers, and long texts
 * are cut.
 */

const MAX_LENGTH = 300;

/** Characters that are invisible or reorder others: controls, bidi marks, overrides, isolates. */
const HIDDEN = /(?![\t\n])[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Returns a text in a form that cannot mislead. */
function plainText(text: string, maxLength = MAX_LENGTH): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength).toWellFormed()}…` : text;
  return cut.replace(
    HIDDEN,
    (character) => `⟨U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}⟩`,
  );
}

interface ShownProps {
  readonly text: unknown;
  /** @default {300} */
  readonly max?: number;
}

/** Shows a text from outside. */
export function Shown({ text, max }: ShownProps) {
  return <bdi>{plainText(String(text ?? ""), max)}</bdi>;
}

/** Shows an identifier or a value of the configuration. */
export function Code(props: ShownProps) {
  return (
    <code>
      <Shown {...props} />
    </code>
  );
}

/** Shows the id of a notification, and leads to it. */
export function NotificationLink({ id }: { readonly id: string }) {
  return (
    <a href={`/console/notifications/${encodeURIComponent(id)}`}>
      <Code text={id} />
    </a>
  );
}

/** Shows the id of a user, and leads to what the user has. */
export function UserLink({ context, user }: { readonly context: string; readonly user: string }) {
  return (
    <a href={`/console/users?${new URLSearchParams({ context, user })}`}>
      <Shown text={user} />
    </a>
  );
}

/** Shows a time of the API, to the second or to the millisecond. */
export function Time({ at, exact }: { readonly at: string; readonly exact?: boolean }) {
  return <time datetime={at}>{at.slice(0, exact ? 23 : 19).replace("T", " ")} UTC</time>;
}

type Tone = "good" | "bad" | "warn";

/** What a state means for operators; the others have no color. */
const TONES: ReadonlyMap<string, Tone> = new Map(
  Object.entries<readonly string[]>({
    good: ["delivered", "sent", "ready", "open", "matches", "would be sent"],
    bad: ["dead", "rejected", "gone", "misconfigured", "not ready"],
    warn: ["scheduled", "held", "retry", "retrying", "in_flight", "kept", "expired"],
  }).flatMap(([tone, states]) => states.map((state) => [state, tone as Tone])),
);

/** Reasons of a notification that are codes, in words. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ["merged", "merged into a similar one"],
  ["no_subscription", "no subscription or open socket for this topic"],
  ["ttl", "its time to live had passed"],
]);

interface StateProps {
  readonly of: string;
  readonly tone?: Tone | undefined;
  readonly reason?: string | undefined;
}

/** Shows a state as a word with a color beside it, and its reason. */
export function State({ of, tone = TONES.get(of), reason }: StateProps) {
  return (
    <>
      <span class={`state ${tone ?? ""}`}>{plainText(of.replaceAll("_", " "))}</span>
      {reason !== undefined && (
        <>
          {" "}
          <Shown text={REASONS.get(reason) ?? reason} max={500} />
        </>
      )}
    </>
  );
}

/** Returns a duration in its largest unit. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms < 3_600_000 ? `${Math.floor(ms / 60_000)} min` : `${Math.floor(ms / 3_600_000)} h`;
}
