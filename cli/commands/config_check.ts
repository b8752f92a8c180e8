/** `config check`: what a start makes of a configuration folder, and what it leaves out. */

import { type ConfigurationReview, reviewConfiguration } from "../../cascade/mod.ts";
import { type FileFault, placeOf } from "../../core/file_fault.ts";
import { type ReadConfiguration, readConfiguration } from "../../doctor/probes/configuration.ts";
import { configFolderOf } from "../config_folder.ts";
import type { Input } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { CliError, type Exit } from "../exit_codes.ts";

/** Files that only this service has; a start names what is wrong with them. */
const OWN_FILES = ["pns-websocket-clients.yml", "pns-messages.yml"];

/** Lists what counts and what does not; fails where a start would. */
export default async function run(input: Input, deps: CliDeps): Promise<Exit> {
  const folder = input.args.folder ?? configFolderOf(input, deps);
  const info = await Deno.stat(folder).catch(() => undefined);
  if (!info?.isDirectory) {
    throw new CliError("usage", `Cannot check ${folder}: it is no folder, or cannot be read`);
  }
  const read = await readConfiguration(folder, deps.variables);
  const { built, texts, clientFaults } = read;
  const faults = built.ok ? [] : built.faults;
  const review = reviewConfiguration(read);
  const clients = clientsOf(read);
  const named = new Set([...built.warnings, ...faults].map(({ file }) => file));
  const ignored = [
    ...review.ignored,
    ...(await filesBelow(folder)).filter((file) => !texts.has(file) && !named.has(file))
      .map((file) => ({ file, why: "not read, by its name" })),
  ];
  const sections: readonly (readonly [title: string, lines: readonly string[]])[] = [
    ["Used", usedLines({ review, clients, texts })],
    ["Ignored", ignored.map(({ file, why }) => `${file}: ${why}`)],
    ["Differs from the original", review.differs.map(line)],
    ["Warnings", built.warnings.map(line)],
    ["Clients that are left out", clientFaults.map(line)],
    ["Faults that stop a start", faults.map(line)],
  ];
  const verdict = `A start on this folder ${built.ok ? "succeeds" : "fails"}.`;
  deps.output.result(
    {
      ...{ folder, ok: built.ok, used: review.used, clients, ignored },
      ...{ differs: review.differs, warnings: built.warnings, clientFaults, faults },
    },
    [
      ...sections.filter(([, lines]) => lines.length > 0)
        .flatMap(([title, lines]) => [`${title}:`, ...lines.map((each) => `  ${each}`)]),
      verdict,
    ].join("\n"),
  );
  if (!built.ok) return "failed";
  return clientFaults.length > 0 ? "warnings" : "ok";
}

/** One client that a start serves. */
interface UsedClient {
  readonly client: string;
  readonly transport: string;
  readonly source: string;
}

function clientsOf({ clients }: Pick<ReadConfiguration, "clients">): readonly UsedClient[] {
  return Object.entries(clients).flatMap(([transport, { sources }]) =>
    [...sources].map(([client, source]) => ({ client, transport, source }))
  );
}

function usedLines({ review, clients, texts }: {
  readonly review: ConfigurationReview;
  readonly clients: readonly UsedClient[];
  readonly texts: ReadonlyMap<string, string>;
}): readonly string[] {
  return [
    ...review.used.map(({ name, value, source }) => `${name} = ${value}   (${source})`),
    ...clients.map(({ client, transport, source }) =>
      `client '${client}' over ${transport}   (${source})`
    ),
    ...OWN_FILES.filter((file) => texts.has(file)).map((file) => `${file}: this service's own`),
  ];
}

function line(fault: FileFault): string {
  return `${placeOf(fault)}: ${fault.message}`;
}

/** Every file whose name is like that of a configuration file, its backups among them. */
async function filesBelow(root: string, below = ""): Promise<readonly string[]> {
  const found: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(`${root}/${below}`)) {
      if (isDirectory) found.push(...await filesBelow(root, `${below}${name}/`));
      else if (/\.(?:properties|ya?ml)/.test(name)) found.push(below + name);
    }
  } catch {
    // It is among those that cannot be read.
  }
  return found.sort();
}
