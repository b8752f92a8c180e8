/** Writing XML 1.0 safely: every value is escaped, and what XML cannot hold is left out. */

/** The `Char` production of XML 1.0 §2.2, negated; leaves out lone surrogates as well. */
const ILLEGAL = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** A text as it may stand between tags and in attributes. */
export function escapeXml(text: string): string {
  return text.replace(ILLEGAL, "").replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** One element; attributes without a value are left out, and `content` is XML already. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number | undefined>>,
  content = "",
): string {
  const written = Object.entries(attributes)
    .map(([key, value]) => value === undefined ? "" : ` ${key}="${escapeXml(`${value}`)}"`)
    .join("");
  return content === "" ? `<${name}${written}/>` : `<${name}${written}>${content}</${name}>`;
}
