/**
 * What commands say: results on standard output, everything else on standard error. All text goes
 * through `safe_text.ts`; only the escape sequences of `top` do not.
 */

import { safeJson, safeLine, safeText } from "./safe_text.ts";

/** Where the bytes go. */
interface OutputStreams {
  readonly writeOut: (text: string) => void;
  readonly writeError: (text: string) => void;
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean;
  /** Whether standard error is one, so that progress may be drawn over. */
  readonly isErrorTerminal: boolean;
}

/** How results are written: for people, or as JSON for programs. */
export class Output {
  readonly #streams: OutputStreams;
  isJson = false;
  #hasProgress = false;

  constructor(streams: OutputStreams) {
    this.#streams = streams;
  }

  get isTerminal(): boolean {
    return this.#streams.isTerminal;
  }

  /** Writes a result: the value with `--json`, otherwise the text. */
  result(value: unknown, text: string): void {
    this.#endProgress();
    this.#streams.writeOut(`${this.isJson ? safeJson(value, 2) : safeText(text)}\n`);
  }

  /** Writes one of many results as a line of its own. */
  line(value: unknown, text: string): void {
    this.#endProgress();
    this.#streams.writeOut(`${this.isJson ? safeJson(value) : safeLine(text)}\n`);
  }

  /** Says something that is no result, e.g. what the command waits for. */
  say(text: string): void {
    this.#endProgress();
    this.#streams.writeError(`${safeText(text)}\n`);
  }

  /** Says how far long work has got; on a terminal each call overwrites the one before. */
  progress(text: string): void {
    if (!this.#streams.isErrorTerminal) return;
    this.#streams.writeError(`\r\x1b[K${safeLine(text)}`);
    this.#hasProgress = true;
  }

  /** Replaces the whole screen; used by `top` on a terminal only. */
  screen(text: string): void {
    this.#streams.writeOut(`\x1b[H\x1b[2J${safeText(text)}\n`);
  }

  #endProgress(): void {
    if (!this.#hasProgress) return;
    this.#streams.writeError("\r\x1b[K");
    this.#hasProgress = false;
  }
}

/** The fields of each item as the cells of a row; empty where an item has none. */
export function rowsOf(
  items: readonly Readonly<Record<string, unknown>>[],
  fields: readonly string[],
): readonly (readonly string[])[] {
  return items.map((item) => fields.map((field) => String(item[field] ?? "")));
}

/** Rows as columns, with the widths that the longest cells need. */
export function table(rows: readonly (readonly string[])[]): string {
  const safe = rows.map((row) => row.map(safeLine));
  const widths = safe.reduce<number[]>(
    (all, row) => row.map((cell, at) => Math.max(all[at] ?? 0, cell.length)),
    [],
  );
  return safe.map((row) => row.map((cell, at) => cell.padEnd(widths[at]!)).join("  ").trimEnd())
    .join("\n");
}
