/**
 * Builds a checked configuration from all files and the environment, or reports all faults. It is
 * pure: `cascade.ts` reads the files and swaps the result in.
 */

import type { FileFault } from "../core/file_fault.ts";
import { issuerFaults } from "./_console_keys.ts";
import { type ContextSet, readContextSets } from "./context_sets.ts";
import type { Findings } from "./_admit.ts";
import { type ConfigScope, type Metadata, readMetaFile } from "./_meta_files.ts";
import { readServerScope } from "./_server_scope.ts";
import { valueText } from "./key_spec.ts";
import { type Key, KEYS, type Layer, mayMentionUs, mentionsUs } from "./schema.ts";
import { readSettings, serverValue, type Settings } from "./settings.ts";

interface ConfigurationSources {
  /** Path below the configuration folder → text. */
  readonly files: ReadonlyMap<string, string>;
  /** Environment variables; those that name a key override the files. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A checked configuration. */
export interface Configuration {
  /** Path → text of the YAML files, in order of path; the properties files are in `server`. */
  readonly files: ReadonlyMap<string, string>;
  /** Files that name a key of this service. */
  readonly ownFiles: ReadonlySet<string>;
  readonly server: Layer;
  readonly contextSets: readonly ContextSet[];
  /** Name → the most specific scope that has effect for it. */
  readonly finals: ReadonlyMap<string, ConfigScope>;
  /** Scopes in the order in which they are searched. */
  readonly scopes: readonly ConfigScope[];
  readonly settings: Settings;
}

/** A configuration, or the faults that prevent it. */
export type BuiltConfiguration =
  | {
    readonly ok: true;
    readonly configuration: Configuration;
    readonly warnings: readonly FileFault[];
  }
  | {
    readonly ok: false;
    readonly faults: readonly FileFault[];
    readonly warnings: readonly FileFault[];
  };

/** Larger files are refused. */
const MAX_FILE_CHARACTERS = 4 * 1024 * 1024;

/**
 * Whether this service reads a file. Other programs may have YAML files in the same folder that this
 * service cannot parse or that are too large.
 */
export function isConfigurationFile(path: string): boolean {
  return path.endsWith(".properties") || /^(?:contextSets|meta)\//.test(path) ||
    /^(?:pns-[^/]*|webhooks)\.ya?ml$/.test(path) || /^pushClientConfig\//.test(path);
}

/**
 * Whether a file or folder that cannot be read is this service's by its name, so that nobody can
 * tell what is lost without it.
 */
export function isOurFile(path: string): boolean {
  return /^(?:contextSets|meta|pushClientConfig)(?:\/|$)/.test(path) ||
    /^(?:.*\/)?(?:pns|carillon|websockets?|webhooks?|configcascade)[^/]*\.(?:properties|ya?ml)$/
      .test(path);
}

/** Reads and checks everything. The result has either no faults or no configuration. */
export function buildConfiguration(sources: ConfigurationSources): BuiltConfiguration {
  const findings: Findings = { faults: [], warnings: [] };
  const metadata: Metadata = { values: new Map(), finals: new Map() };
  const contextSets: ContextSet[] = [];
  const properties: { file: string; text: string }[] = [];
  const files = [...sources.files].sort(([a], [b]) => a < b ? -1 : 1);
  for (const [file, text] of files) {
    if (text.length > MAX_FILE_CHARACTERS) {
      const found = mentionsUs(text) ? findings.faults : findings.warnings;
      found.push({ file, line: 1, column: 1, message: "the file is too large" });
    } else if (file.endsWith(".properties")) {
      // A name may be written with escapes, or go over two lines; then there is a backslash.
      if (mayMentionUs(text) || text.includes("\\")) properties.push({ file, text });
    } else if (/^contextSets\/.*\.ya?ml$/.test(file)) {
      contextSets.push(...readContextSets({ file, text }, findings));
    } else if (/^meta\/.*\.ya?ml$/.test(file)) {
      readMetaFile({ file, text }, { metadata, findings });
    }
  }
  const { environment } = sources;
  const server = readServerScope(
    { files: properties, metaValues: metadata.values, environment },
    findings,
  );
  findings.faults.push(...issuerFaults(server));
  const { faults, warnings } = findings;
  if (faults.length > 0) return { ok: false, faults, warnings };
  const own = files.filter(([, text]) => mentionsUs(text));
  const configuration = {
    files: new Map(files.filter(([file]) => !file.endsWith(".properties"))),
    ownFiles: new Set(own.map(([file]) => file)),
    server,
    contextSets,
    finals: metadata.finals,
    scopes: serverValue(server, "com.openexchange.config.cascade.scopes") as ConfigScope[],
    settings: readSettings(server),
  };
  return { ok: true, configuration, warnings };
}

/**
 * Returns the sorted names whose values differ between two configurations in any scope that is
 * configured in files. A changed context set counts as a change of everything that it sets.
 */
export function changedNames(before: Configuration, after: Configuration): readonly string[] {
  const then = valuesOf(before);
  const now = valuesOf(after);
  const names = new Set([...then.keys(), ...now.keys()]);
  return [...names].filter((name) => then.get(name) !== now.get(name)).sort();
}

/** Returns those of some changed names that take effect only after a restart. */
export function needRestart(names: readonly string[]): readonly string[] {
  return names.filter((name) => KEYS[name as Key]?.applies === "after a restart");
}

/** Name → everything that is configured for it, as one comparable text. */
function valuesOf({ server, contextSets, finals }: Configuration): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const add = (name: string, text: string) =>
    values.set(name, `${values.get(name) ?? ""}${text}\n`);
  for (const { name, value } of server.values()) add(name, `server ${valueText(value)}`);
  for (const { name, withTags, addTags, settings } of contextSets) {
    const condition = JSON.stringify([name, withTags, addTags]);
    for (const { name, value } of settings.values()) add(name, `${condition} ${valueText(value)}`);
  }
  for (const [name, scope] of finals) add(name, `final ${scope}`);
  return values;
}
