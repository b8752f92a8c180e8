/** Sets one property in the text of a properties file and leaves everything else as it is. Pure. */

import { parseProperties } from "../cascade/properties.ts";
import { findName, mayNameTopic } from "../cascade/schema.ts";

/** The new text, and whether the file had the key before. */
interface SetProperty {
  readonly text: string;
  readonly replaced: boolean;
}

/** Replaces the last line that sets the key, or adds one at the end. */
export function setProperty(
  text: string,
  { name, value }: { readonly name: string; readonly value: string },
): SetProperty {
  const { entries } = parseProperties("", text, { colonInKey: mayNameTopic });
  const entry = entries.findLast(({ key }) => findName(key)?.name === name);
  if (entry === undefined) {
    const before = text === "" || text.endsWith("\n") ? text : `${text}\n`;
    return { text: `${before}${lineOf(name, value)}\n`, replaced: false };
  }
  const lines = text.split("\n");
  const first = entry.keyAt.line - 1;
  let last = first;
  // A line that ends in an odd number of backslashes goes on in the next one.
  while (last + 1 < lines.length && /(?:^|[^\\])(?:\\\\)*\\\r?$/.test(lines[last]!)) last++;
  const ending = lines[last]!.endsWith("\r") ? "\r" : "";
  lines.splice(first, last - first + 1, lineOf(entry.key, value) + ending);
  return { text: lines.join("\n"), replaced: true };
}

function lineOf(key: string, value: string): string {
  return `${escaped(key).replace(/[:=#! ]/g, "\\$&")}=${
    escaped(value).replace(/^[ \t\f]/, "\\$&")
  }`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
}
