/**
 * How `java.util.Properties` reads a text, written down step by step from its documentation and
 * without regard to speed or places, as the judge of the parser of the product. The fixture is the
 * judge of this one.
 */

/** The entries in file order; `null` where Java refuses the document. */
export function readAsJava(text: string): readonly (readonly [string, string])[] | null {
  const entries: (readonly [string, string])[] = [];
  for (const line of linesOf(text)) {
    const entry = entryOf(line);
    if (entry === null) return null;
    entries.push(entry);
  }
  return entries;
}

/** Logical lines: comments and blank ones left out, continued ones joined. */
function linesOf(text: string): readonly string[] {
  const lines: string[] = [];
  let line = "";
  let isBackslashOpen = false;
  let skipsBlanks = true;
  let isContinuation = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    const isEnd = char === "\n" || char === "\r";
    if (skipsBlanks) {
      if (isBlank(char) || (isEnd && !isContinuation)) continue;
      skipsBlanks = false;
      isContinuation = false;
    }
    if (line === "" && (char === "#" || char === "!")) {
      while (at < text.length && text[at] !== "\n" && text[at] !== "\r") at++;
      skipsBlanks = true;
    } else if (!isEnd) {
      line += char;
      isBackslashOpen = char === "\\" && !isBackslashOpen;
    } else if (line === "") {
      skipsBlanks = true;
    } else if (at === text.length - 1 || !isBackslashOpen) {
      lines.push(isBackslashOpen ? line.slice(0, -1) : line);
      line = "";
      isBackslashOpen = false;
      skipsBlanks = true;
    } else {
      line = line.slice(0, -1);
      isBackslashOpen = false;
      skipsBlanks = true;
      isContinuation = true;
      if (char === "\r" && text[at + 1] === "\n") at++;
    }
  }
  if (line !== "") lines.push(isBackslashOpen ? line.slice(0, -1) : line);
  return lines;
}

function entryOf(line: string): readonly [string, string] | null {
  let keyEnd = 0;
  let isEscaped = false;
  while (keyEnd < line.length) {
    const char = line[keyEnd]!;
    if (!isEscaped && (char === "=" || char === ":" || isBlank(char))) break;
    isEscaped = char === "\\" && !isEscaped;
    keyEnd++;
  }
  let valueStart = keyEnd;
  let hasSeparator = false;
  while (valueStart < line.length) {
    const char = line[valueStart]!;
    if (!isBlank(char)) {
      if (hasSeparator || (char !== "=" && char !== ":")) break;
      hasSeparator = true;
    }
    valueStart++;
  }
  const key = unescaped(line.slice(0, keyEnd));
  const value = unescaped(line.slice(valueStart));
  return key === null || value === null ? null : [key, value];
}

function unescaped(text: string): string | null {
  let result = "";
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== "\\") {
      result += text[at];
      continue;
    }
    const char = text[++at];
    if (char === "u") {
      const digits = text.slice(at + 1, at + 5);
      if (!/^[0-9A-Fa-f]{4}$/.test(digits)) return null;
      result += String.fromCharCode(parseInt(digits, 16));
      at += 4;
    } else if (char !== undefined) {
      result += ({ t: "\t", r: "\r", n: "\n", f: "\f" } as Record<string, string>)[char] ?? char;
    }
  }
  return result;
}

function isBlank(char: string): boolean {
  return char === " " || char === "\t" || char === "\f";
}
