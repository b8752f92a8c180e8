/** A set-up that is sound: a service, fakes of all providers, and what the doctor needs to see it. */

import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { examine, type ExamineOptions } from "../../doctor/examine.ts";
import type { Finding } from "../../doctor/finding.ts";
import { type Providers, startProviders } from "../flow/_providers.ts";
import { ADMIN_KEY, SESSION_SECRET } from "../support/start_service.ts";

/** The set-up, and a doctor for it. */
export interface SetUp extends AsyncDisposable {
  readonly providers: Providers;
  /** What the doctor finds, with some of its options changed. */
  examine(changed?: Partial<ExamineOptions>): Promise<readonly Finding[]>;
}

/** Starts it. The configuration folder is the one that the service runs with. */
export async function startSetUp(
  options: Parameters<typeof startProviders>[0] = {},
): Promise<SetUp> {
  await using opened = new AsyncDisposableStack();
  const providers = opened.use(await startProviders(options));
  const data = await Deno.makeTempDir({ prefix: "carillon_data_" });
  opened.defer(() => Deno.remove(data, { recursive: true }));
  for (const name of ["apns.p8", "apns.p12", "service-account.json"]) {
    await Deno.chmod(`${providers.folder}/${name}`, 0o600);
  }
  const { service } = providers;
  const life = opened.move();
  return {
    providers,
    examine: (changed = {}) =>
      examine({
        variables: {
          CARILLON_SESSION_SECRET: SESSION_SECRET,
          CARILLON_ADMIN_KEY: ADMIN_KEY,
        },
        folder: service.configDir,
        storeAddress: `kv:${data}/carillon.kv`,
        port: service.port,
        address: service.address,
        key: ADMIN_KEY,
        nodes: [],
        origin: undefined,
        dryRun: false,
        idle: false,
        pid: undefined,
        clock: systemClock,
        random: Math.random,
        fetch,
        resolve: () => Promise.resolve(["93.184.215.14"]),
        ...changed,
      }),
    [Symbol.asyncDispose]: () => life.disposeAsync(),
  };
}

/** The codes of findings, in order. */
export function codesOf(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ code }) => code);
}

/** Writes files of a configuration folder of its own; the caller removes it. */
export async function folderWith(
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "carillon_conf_" });
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  return folder;
}

/** That there is one finding, which says what is wrong and what to do. */
export function assertFinds(
  findings: readonly Finding[],
  code: string,
  { says, advises }: { readonly says: RegExp; readonly advises: RegExp },
): void {
  assert.deepEqual(codesOf(findings), [code], JSON.stringify(findings, null, 1));
  assert.match(findings[0]!.what, says);
  assert.match(findings[0]!.do, advises);
}
