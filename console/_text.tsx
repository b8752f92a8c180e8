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

/** Shows a text from outside. */
export function Shown({ text, max }: { readonly text: unknown; readonly max?: number }) {
  return <bdi>{plainText(String(text ?? ""), max)}</bdi>;
}

/** Shows an identifier or a value of the configuration. */
export function Code({ text, max }: { readonly text: unknown; readonly max?: number }) {
  return (
    <code>
      <Shown text={text} {...(max !== undefined && { max })} />
    </code>
  );
}

/** Shows a time of the API in UTC, to the second or to the millisecond. */
export function Time({ at, exact }: { readonly at: string; readonly exact?: boolean }) {
  return <time datetime={at}>{at.slice(0, exact ? 23 : 19).replace("T", " ")}</time>;
}

/** Shows a state as a word with a color beside it. */
export function State({ of }: { readonly of: string }) {
  return <span class={`state state-${/^[a-z_]+$/.test(of) ? of : "other"}`}>{plainText(of)}</span>;
}
