/** Booleans of YAML 1.1, the version that the original's options files use. */

const WORDS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["yes", true],
  ["on", true],
  ["false", false],
  ["no", false],
  ["off", false],
]);

/**
 * Parses a boolean, ignoring case; undefined where the text is none. `y` and `n` are none: the
 * original's parser reads them as texts.
 */
export function readYamlBoolean(text: string): boolean | undefined {
  return WORDS.get(text.trim().toLowerCase());
}
