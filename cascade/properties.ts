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

/** What may end a key, or an escape that hides it. */
const KEY_END = /\\[^]?|[=: \t\f]/g;
const TOPIC_THEN_EQUALS = /:([A-Za-z0-9_:\\-]*)[ \t\f]*=/y;
const SEPARATOR = /[ \t\f]*[=:]?[ \t\f]*/y;
const ESCAPE = /\\(?:u([0-9A-Fa-f]{4})|([^]?))/g;
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
  SEPARATOR.lastIndex = keyEnd;
  const valueStart = keyEnd + SEPARATOR.exec(body)![0].length;
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
    const indent = indentOf(lines[index]!);
    let body = lines[index]!.slice(indent);
    if (body === "" || body.startsWith("#") || body.startsWith("!")) continue;
    const pieces = [{ offset: 0, line: index + 1, column: indent + 1 }];
    while (isContinued(body)) {
      body = body.slice(0, -1);
      const next = lines[index + 1];
      if (body === "" && isLastLine(text, lines.length - index)) yield { body, pieces };
      if (next === undefined || body === "") break;
      index++;
      const blanks = indentOf(next);
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
  const found = body.matchAll(KEY_END).find(([text]) => !text.startsWith("\\"));
  if (found === undefined) return body.length;
  const at = found.index;
  TOPIC_THEN_EQUALS.lastIndex = at;
  const topic = TOPIC_THEN_EQUALS.exec(body)?.[1];
  return topic !== undefined && colonInKey(body.slice(0, at)) ? at + 1 + topic.length : at;
}

function unescape(body: string, from: number, to: number): Unescaped {
  let brokenAt: number | undefined;
  const text = body.slice(from, to).replace(ESCAPE, (_escape, hex, char, at) => {
    if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
    if (char === "u") brokenAt ??= from + at;
    return ESCAPES[char] ?? char;
  });
  return brokenAt === undefined ? { ok: true, text } : { ok: false, offset: brokenAt };
}

function placeIn(line: LogicalLine, offset: number): Position {
  const piece = line.pieces.findLast((candidate) => candidate.offset <= offset)!;
  return { line: piece.line, column: piece.column + offset - piece.offset };
}

function indentOf(line: string): number {
  return line.search(/[^ \t\f]|$/);
}
