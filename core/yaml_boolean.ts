/** Booleans of YAML 1.1, the version that the original's options files use. */

/**
 * Parses a boolean, ignoring case; undefined where the text is none. `y` and `n` are none: the
 * original's parser reads them as texts.
 */
export function readYamlBoolean(text: string): boolean | undefined {
  if (/^\s*(?:true|yes|on)\s*$/i.test(text)) return true;
  return /^\s*(?:false|no|off)\s*$/i.test(text) ? false : undefined;
}
