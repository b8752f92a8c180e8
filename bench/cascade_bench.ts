// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * Measures how fast the cascade resolves. Prints resolutions per second for one view (is this
 * transport enabled for this client and topic?) and for all that a notification needs (the user's
 * view, then the resolution), with and without context sets and attributes. Run it with `deno run
 * --allow-env --allow-sys --allow-read bench/cascade_bench.ts`.
 */

import { Attributes, startCascade } from "../cascade/mod.ts";
import { systemClock } from "../core/clock.ts";
import { silentLog } from "../core/log.ts";
import { TRANSPORTS } from "../core/subscription.ts";
import { MemoryStore } from "../store/mod.ts";
import { createMemoryConfigFiles } from "../tests/support/memory_config_files.ts";

const SECONDS = 1;
const USERS = 20_000;
const TOPICS = ["ox:mail:new", "ox:calendar:updates", "ox:drive:changed"];
const ENABLED = "com.openexchange.pns.transport.websocket.enabled";

const SCENARIOS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "defaults only": {},
  "client and topic set": {
    "pns.properties": `${ENABLED}.open-xchange-appsuite.ox:mail:new=true\n` +
      `${ENABLED}.open-xchange-appsuite.ox:calendar:updates=false\n`,
  },
  "context sets too": {
    "pns.properties": `${ENABLED}.open-xchange-appsuite.ox:mail:new=true\n`,
    "contextSets/a.yml": `a:\n  withTags: "7 | premium & !trial"\n  ${ENABLED}: false\n`,
  },
};

const users = Array.from(
  { length: USERS },
  (_, index) => ({ context: String(index % 100), user: String(index) }),
);

for (const [name, files] of Object.entries(SCENARIOS)) await measure(name, files, 0);
await measure("context sets, every tenth user with attributes", SCENARIOS["context sets too"]!, 10);

/** @param every every n-th user has attributes; 0 for none */
async function measure(name: string, files: Readonly<Record<string, string>>, every: number) {
  const attributes = new Attributes({ store: new MemoryStore({ clock: systemClock }) });
  await using cascade = await startCascade({
    files: createMemoryConfigFiles(files),
    attributes,
    environment: {},
    clock: systemClock,
    log: silentLog,
    metrics: { count() {} },
  });
  for (const [index, owner] of users.entries()) {
    if (every === 0 || index % every > 0) continue;
    await attributes.users.replace(owner, { attributes: { [ENABLED]: index % 20 === 0 } });
  }
  const snapshot = cascade.current();
  for (const { context, user } of users) await snapshot.view(context, user);
  const one = await snapshot.view("1", "1");
  console.log(`${name}`);
  report("  one view", (index) => {
    return one.enabled(
      TRANSPORTS[index % 5]!,
      "open-xchange-appsuite",
      TOPICS[index % 3]!,
    );
  });
  report("  view of the user, then the resolution", (index) => {
    const { context, user } = users[index % USERS]!;
    const view = snapshot.view(context, user);
    if (view instanceof Promise) throw new Error("Cannot measure: the view is not in memory");
    return view.enabled(TRANSPORTS[index % 5]!, "open-xchange-appsuite", TOPICS[index % 3]!);
  });
}

function report(name: string, resolve: (index: number) => boolean): void {
  let count = 0;
  let yes = 0;
  run(200_000);
  count = yes = 0;
  const start = performance.now();
  while (performance.now() - start < SECONDS * 1000) run(100_000);
  const seconds = (performance.now() - start) / 1000;
  const perSecond = Math.round(count / seconds).toLocaleString("en");
  console.log(`${name}: ${perSecond} resolutions/s (${Math.round(100 * yes / count)} % yes)`);

  function run(times: number): void {
    for (let index = 0; index < times; index++) if (resolve(count + index)) yes++;
    count += times;
  }
}
