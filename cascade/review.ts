/**
 * What of a configuration folder counts here, what does not, and what the original reads in another
 * way, for an operator who brings the folder of an Open-Xchange installation. Pure:
 * `load_configuration.ts` reads the files, and `carillon config check` prints.
 */

import type { BuiltConfiguration } from "./configuration.ts";
import { type FileFault, placeOfSource } from "../core/file_fault.ts";
import { valueText } from "./key_spec.ts";
import { ORIGINAL_PROPERTIES } from "./original_properties.ts";
import { parseProperties } from "./properties.ts";
import { REDACTED } from "./resolve.ts";
import { concernsUs, mayNameTopic } from "./schema.ts";

interface UsedSetting {
  readonly name: string;
  /** `[redacted]` for a secret. */
  readonly value: string;
  readonly source: string;
}

interface IgnoredPart {
  readonly file: string;
  readonly why: string;
}

/** The whole review; what stops a start is not part of it. */
export interface ConfigurationReview {
  readonly used: readonly UsedSetting[];
  readonly ignored: readonly IgnoredPart[];
  /** What the original makes something else of. */
  readonly differs: readonly FileFault[];
}

/** Reviews the texts of a folder, by path, and what they were built into. */
export function reviewConfiguration(
  { texts, built }: {
    readonly texts: ReadonlyMap<string, string>;
    readonly built: BuiltConfiguration;
  },
): ConfigurationReview {
  const ignored: IgnoredPart[] = [];
  const differs: FileFault[] = [];
  for (const [file, text] of texts) {
    if (!file.endsWith(".properties")) continue;
    const { entries } = parseProperties(file, text, { colonInKey: mayNameTopic });
    const foreign = entries.filter(({ key }) => !concernsUs(key)).length;
    const what = foreign === 1 ? "property" : "properties";
    if (foreign > 0) ignored.push({ file, why: `${foreign} ${what} of other programs` });
    differs.push(...bytesDiffer(file, text), ...linesDiffer(file, text, entries));
  }
  if (!built.ok) return { used: [], ignored, differs };
  const { server, contextSets } = built.configuration;
  const used = [
    ...server.values(),
    ...contextSets.flatMap(({ settings }) => [...settings.values()]),
  ].map(({ name, value, source, spec }) => ({
    ...{ name, source, value: spec.secret ? REDACTED : valueText(value) },
  }));
  const mixed = contextSets.filter(({ withTags }) =>
    withTags.kind === "or" && withTags.operands.some(({ kind }) => kind === "and")
  );
  const sets = mixed.map(({ name, source }) => ({
    ...placeOfSource(source),
    message:
      `'${name}' mixes '&' and '|': here '&' binds first, in the original what comes first. ` +
      "Brackets say the same to both",
  }));
  return { used, ignored, differs: [...differs, ...sets] };
}

/** What is known of a property, and what Java splits at a colon. */
function linesDiffer(
  file: string,
  text: string,
  entries: ReturnType<typeof parseProperties>["entries"],
): readonly FileFault[] {
  const lines = text.split(/\r\n|\r|\n/);
  return entries.flatMap(({ key, keyAt }) => {
    const original = Object.hasOwn(ORIGINAL_PROPERTIES, key) ? ORIGINAL_PROPERTIES[key] : undefined;
    const found: FileFault[] = [];
    if (original && original.here !== "same") {
      found.push({ file, ...keyAt, message: `'${key}' (${original.here}): ${original.text}` });
    }
    const line = lines[keyAt.line - 1] ?? "";
    if (mayNameTopic(key) && key.includes(":") && !line.includes("\\:")) {
      const message =
        `'${key}': Java ends this key at its first colon, and the original ignores it`;
      found.push({ file, ...keyAt, message });
    }
    return found;
  });
}

function bytesDiffer(file: string, text: string): readonly FileFault[] {
  if (!text.startsWith("\uFEFF")) return [];
  const message =
    "the file begins with a byte order mark, which Java reads as part of the first key";
  return [{ file, line: 1, column: 1, message }];
}
