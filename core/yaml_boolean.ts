/** Booleans as YAML 1.1 spells them, which is what the original's options files are written in. */

const WORDS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["yes", true],
  ["on", true],
  ["false", false],
  ["no", false],
  ["off", false],
]);

/**
 * The boolean that a text stands for, in any case of letters; `undefined` where it stands for none.
 * `y` and `n` stand for none: the original's parser reads them as texts.
 */
export function readYamlBoolean(text: string): boolean | undefined {
  return WORDS.get(text.trim().toLowerCase());
}
