/**
 * Scans a JSON text (RFC 8259) without building its values, so that parts of it can be copied
 * unchanged: numbers keep all digits, and values that are not read are not parsed. It accepts the
 * texts that `JSON.parse` accepts, up to {@link MAX_DEPTH} levels of nesting.
 */

import type { JsonText } from "./json.ts";

/** The most levels of objects and arrays; it also bounds recursion over accepted values. */
export const MAX_DEPTH = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;

const ESCAPE = /^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/;
const LONGEST_ESCAPE = 6;
const WORDS = ["true", "false", "null"];

/**
 * The opening characters of the containers around the current position. Only `skipValue` uses it,
 * which calls nothing that could use it at the same time.
 */
const CONTAINERS = new Uint8Array(MAX_DEPTH);

/**
 * A position in a JSON text. Methods that return a boolean advance it; after `false` the scanner must
 * not be used any more, except after {@link take}.
 */
export class JsonScanner {
  readonly text: string;
  /** Index of the next character. */
  at = 0;
  /** Set when white space is skipped; the caller resets it. */
  spaced = false;
  /** One byte per character: many times faster to read than the text. */
  readonly #codes: Uint8Array;

  /** @param bytes the text in UTF-8, where the caller has it */
  constructor(text: string, bytes?: Uint8Array) {
    this.text = text;
    this.#codes = bytes?.length === text.length ? bytes : codesOf(text);
  }

  /** Skips white space. Returns the code of the next character; undefined at the end. */
  peek(): number | undefined {
    const code = this.#codes[this.at]!;
    if (code > 0x20) return code;
    this.at = this.#afterSpace(this.at);
    return this.#codes[this.at];
  }

  /** Skips white space, and the next character if it has this code. Returns whether it has. */
  take(code: number): boolean {
    if (this.peek() !== code) return false;
    this.at++;
    return true;
  }

  /** Skips a string, after white space. */
  skipString(): boolean {
    if (this.peek() !== QUOTE) return false;
    this.at = this.#afterString(this.at);
    return this.at > 0;
  }

  /** Skips a value of any kind, after white space. */
  skipValue(): boolean {
    const codes = this.#codes;
    const containers = CONTAINERS;
    let depth = 0;
    let at = this.at;
    for (;;) {
      let code = codes[at]!;
      if (code <= 0x20) code = codes[at = this.#afterSpace(at)]!;
      if (code === OPEN_BRACE || code === OPEN_BRACKET) {
        if (depth === MAX_DEPTH) return false;
        containers[depth++] = code;
        if (codes[++at]! <= 0x20) at = this.#afterSpace(at);
        // In ASCII a closing bracket or brace is its opening character + 2.
        if (codes[at] !== code + 2) {
          if (code === OPEN_BRACE && (at = this.#afterName(at)) < 0) return false;
          continue;
        }
      } else if ((at = this.#afterScalar(at, code)) < 0) return false;
      else if (depth === 0) {
        this.at = at;
        return true;
      }
      for (;;) {
        code = codes[at]!;
        if (code <= 0x20) code = codes[at = this.#afterSpace(at)]!;
        const container = containers[depth - 1]!;
        at++;
        if (code === COMMA) {
          if (container === OPEN_BRACE && (at = this.#afterName(at)) < 0) return false;
          break;
        }
        if (code !== container + 2) return false;
        if (--depth > 0) continue;
        this.at = at;
        return true;
      }
    }
  }

  #afterSpace(from: number): number {
    const codes = this.#codes;
    let at = from;
    let code = codes[at];
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = codes[++at];
    if (at > from) this.spaced = true;
    return at;
  }

  /** Returns the index after a name and its colon; -1 where there is none. */
  #afterName(from: number): number {
    let at = this.#codes[from] === QUOTE ? from : this.#afterSpace(from);
    if (this.#codes[at] !== QUOTE || (at = this.#afterString(at)) < 0) return -1;
    if (this.#codes[at] !== COLON) at = this.#afterSpace(at);
    return this.#codes[at] === COLON ? at + 1 : -1;
  }

  #afterScalar(at: number, code: number | undefined): number {
    if (code === QUOTE) return this.#afterString(at);
    if (code === MINUS || isDigit(code)) return this.#afterNumber(at);
    const word = WORDS.find((word) => this.text.startsWith(word, at));
    return word === undefined ? -1 : at + word.length;
  }

  #afterString(quoteAt: number): number {
    const codes = this.#codes;
    const { length } = codes;
    for (let at = quoteAt + 1; at < length; at++) {
      const code = codes[at]!;
      if (code === QUOTE) return at + 1;
      if (code < 0x20) return -1;
      if (code !== BACKSLASH) continue;
      const escape = ESCAPE.exec(this.text.slice(at, at + LONGEST_ESCAPE))?.[0];
      if (escape === undefined) return -1;
      at += escape.length - 1;
    }
    return -1;
  }

  #afterNumber(from: number): number {
    const codes = this.#codes;
    let at = from;
    if (codes[at] === MINUS) at++;
    if (!isDigit(codes[at])) return -1;
    if (codes[at++] !== 0x30) at = afterDigits(codes, at);
    if (codes[at] === 0x2e) {
      if (!isDigit(codes[++at])) return -1;
      at = afterDigits(codes, at);
    }
    if (codes[at] === 0x65 || codes[at] === 0x45) {
      const sign = codes[++at];
      if (sign === 0x2b || sign === MINUS) at++;
      if (!isDigit(codes[at])) return -1;
      at = afterDigits(codes, at);
    }
    return at;
  }
}

/** Removes the white space between the tokens of a valid JSON text. */
export function withoutSpace(json: JsonText): JsonText {
  const scanner = new JsonScanner(json);
  let compact = "";
  for (let code = scanner.peek(); code !== undefined; code = scanner.peek()) {
    const from = scanner.at;
    if (code === QUOTE) scanner.skipString();
    else do scanner.at++; while (!endsRun(json.charCodeAt(scanner.at)));
    compact += json.slice(from, scanner.at);
  }
  return compact;
}

/** Whether a character begins a string, is white space, or is the end. */
function endsRun(code: number): boolean {
  return !(code > 0x20) || code === QUOTE;
}

function isDigit(code: number | undefined): boolean {
  return code !== undefined && code >= 0x30 && code <= 0x39;
}

function afterDigits(codes: Uint8Array, from: number): number {
  let at = from;
  while (isDigit(codes[at])) at++;
  return at;
}

/** Returns one byte per character; the scanner need not distinguish those beyond Latin-1. */
function codesOf(text: string): Uint8Array {
  const codes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) codes[at] = Math.min(text.charCodeAt(at), 0xff);
  return codes;
}
