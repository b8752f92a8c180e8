/** Locales as BCP 47 language tags. Pure. */

const MAX_LENGTH = 35;

/** Returns the canonical form of a language tag, such as `de-CH`; `undefined` where it is none. */
export function canonicalLocale(tag: string): string | undefined {
  if (tag.length > MAX_LENGTH) return undefined;
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    return undefined;
  }
}

/**
 * Returns the locales to try for a list of wishes, each followed by its shorter forms: `de-CH`,
 * `de` (the lookup of RFC 4647 §3.4).
 */
export function localeChain(wishes: readonly (string | undefined)[]): readonly string[] {
  const chain: string[] = [];
  for (const wish of wishes) {
    let tag = wish === undefined ? undefined : canonicalLocale(wish);
    while (tag) {
      chain.push(tag);
      // Of a single character that introduces what was cut off nothing is left either.
      tag = tag.replace(/(?:-[^-])?-[^-]*$|^[^-]*$/, "");
    }
  }
  return chain;
}
