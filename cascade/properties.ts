/**
 * Parses Java properties files like `java.util.Properties`, with the place of every key and value. A
 * line that Java refuses (a broken `\u` escape) is a fault. Likely mistakes that Java accepts (a key
 * without a separator, a separator without a key) are left to the caller, who knows the keys.
 */

import type { FileFault, Position } from "../core/file_fault.ts";

interface PropertyEntry {
  readonly key: string;
  readonly value: string;
  readonly keyAt: Position;
  readonly valueAt: Position;
  /** False where the line has only a key, which Java reads with an empty value. */
  readonly separated: boolean;
}

interface PropertyFault extends FileFault {
  /** The key as it is written, including escapes. */
  readonly key: string;
}

/** The content of one file, in its order, including repeated keys. */
interface ParsedProperties {
  readonly entries: readonly PropertyEntry[];
  readonly faults: readonly PropertyFault[];
}

interface PropertiesOptions {
  /**
   * Whether an unescaped colon after this text may belong to the key. It does so if the text up to
   * the next `=` looks like a topic, as in `….enabled.client.ox:mail:new=true`.
   *
   * @default {() => false} colons are separators, as in Java
   */
  readonly colonInKey?: (keySoFar: string) => boolean;
}

/** A line joined with its continuation lines, and the place of each piece. */
interface LogicalLine {
  readonly body: string;
  readonly pieces: readonly (Position & { readonly offset: number })[];
}

type Unescaped =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly offset: number };

const TOPIC_THEN_EQUALS = /:([A-Za-z0-9_:\\-]*)[ \t\f]*=/y;
const HEX4 = /^[0-9A-Fa-f]{4}$/;
const ESCAPES: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

/** Parses one file. A faulty line is reported and left out. */
export function parseProperties(
  file: string,
  text: string,
  { colonInKey = () => false }: PropertiesOptions = {},
): ParsedProperties {
  const entries: PropertyEntry[] = [];
  const faults: PropertyFault[] = [];
  for (const line of logicalLines(text)) {
    const entry = readEntry(line, colonInKey);
    if ("message" in entry) faults.push({ file, ...entry });
    else entries.push(entry);
  }
  return { entries, faults };
}

function readEntry(
  line: LogicalLine,
  colonInKey: (keySoFar: string) => boolean,
): PropertyEntry | Omit<PropertyFault, "file"> {
  const { body } = line;
  const keyEnd = endOfKey(body, colonInKey);
  const valueStart = startOfValue(body, keyEnd);
  const key = unescape(body, 0, keyEnd);
  const value = unescape(body, valueStart, body.length);
  if (!key.ok || !value.ok) {
    const { offset } = !key.ok ? key : value as Extract<Unescaped, { ok: false }>;
    const message = "'\\u' must be followed by four hex digits";
    return { ...placeIn(line, offset), message, key: body.slice(0, keyEnd) };
  }
  return {
    key: key.text,
    value: value.text,
    keyAt: placeIn(line, 0),
    valueAt: placeIn(line, valueStart),
    separated: keyEnd < body.length,
  };
}

function* logicalLines(text: string): Generator<LogicalLine> {
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/);
  for (let index = 0; index < lines.length; index++) {
    const indent = blanksAt(lines[index]!, 0);
    let body = lines[index]!.slice(indent);
    if (body === "" || body.startsWith("#") || body.startsWith("!")) continue;
    const pieces = [{ offset: 0, line: index + 1, column: indent + 1 }];
    while (isContinued(body)) {
      body = body.slice(0, -1);
      const next = lines[index + 1];
      if (body === "" && isLastLine(text, lines.length - index)) yield { body, pieces };
      if (next === undefined || body === "") break;
      index++;
      const blanks = blanksAt(next, 0);
      pieces.push({ offset: body.length, line: index + 1, column: blanks + 1 });
      body += next.slice(blanks);
    }
    if (body !== "") yield { body, pieces };
  }
}

/**
 * Whether Java meets the end of the file directly after a line, of which a backslash alone is then an
 * empty key, and elsewhere nothing. Java looks one character beyond a line end, so `\r\n` is not the
 * end.
 */
function isLastLine(text: string, linesLeft: number): boolean {
  if (linesLeft <= 1) return true;
  return linesLeft === 2 && /[\r\n]/.test(text.slice(-1)) && !text.endsWith("\r\n");
}

/** Whether a line ends in an odd number of backslashes: the last one is not escaped itself. */
function isContinued(body: string): boolean {
  let start = body.length;
  while (start > 0 && body[start - 1] === "\\") start--;
  return (body.length - start) % 2 === 1;
}

function endOfKey(body: string, colonInKey: (keySoFar: string) => boolean): number {
  for (let at = 0; at < body.length; at++) {
    const char = body[at]!;
    if (char === "\\") at++;
    else if (char === "=" || isBlank(char)) return at;
    else if (char === ":") {
      TOPIC_THEN_EQUALS.lastIndex = at;
      const topic = TOPIC_THEN_EQUALS.exec(body)?.[1];
      return topic !== undefined && colonInKey(body.slice(0, at)) ? at + 1 + topic.length : at;
    }
  }
  return body.length;
}

function startOfValue(body: string, keyEnd: number): number {
  const separator = blanksAt(body, keyEnd);
  const char = body[separator];
  return char === "=" || char === ":" ? blanksAt(body, separator + 1) : separator;
}

function unescape(body: string, from: number, to: number): Unescaped {
  let text = "";
  for (let at = from; at < to; at++) {
    const char = body[at]!;
    if (char !== "\\") {
      text += char;
      continue;
    }
    const escaped = body[++at];
    if (escaped === undefined) break;
    if (escaped !== "u") {
      text += ESCAPES[escaped] ?? escaped;
      continue;
    }
    const hex = body.slice(at + 1, Math.min(at + 5, to));
    if (!HEX4.test(hex)) return { ok: false, offset: at - 1 };
    text += String.fromCharCode(parseInt(hex, 16));
    at += 4;
  }
  return { ok: true, text };
}

function placeIn(line: LogicalLine, offset: number): Position {
  const piece = line.pieces.findLast((candidate) => candidate.offset <= offset)!;
  return { line: piece.line, column: piece.column + offset - piece.offset };
}

/** Returns the index of the first character at or after `from` that is not blank. */
function blanksAt(text: string, from: number): number {
  let at = from;
  while (at < text.length && isBlank(text[at]!)) at++;
  return at;
}

function isBlank(char: string): boolean {
  return char === " " || char === "\t" || char === "\f";
}
