/**
 * An installation in a folder of its own that the shell samples of the pages are run in, beside a
 * service that answers at the addresses that they name. Programs that go on for ever (the service
 * itself, `listen`, `top`, a stream) run until they have shown that they work.
 */

import { install } from "../support/install.ts";
import { freePort } from "../support/free_port.ts";
import { type Ran, runProgram } from "../support/programs.ts";

/** What the samples reach. */
export interface SandboxOptions {
  /** The service that answers. */
  readonly address: string;
  readonly key: string;
  readonly redis: string | undefined;
  readonly simulator: string;
  readonly subscription: string;
  readonly session: string;
}

/** The folder, and a way to run a sample in it. */
export interface Sandbox extends AsyncDisposable {
  readonly folder: string;
  run(script: string): Promise<Ran>;
}

/** Programs in front of the real ones. `$REAL` is the runtime. */
const PROGRAMS: Readonly<Record<string, string>> = {
  // Runs a server until it answers at $AT, then ends it as an operator does.
  until_up: `"$@" > "$BOX/log" 2>&1 &
pid=$!
for _ in $(seq 200); do
  /usr/bin/curl -sf -o "$BOX/up" "$AT" && { kill -TERM $pid; wait $pid; exit 0; }
  kill -0 $pid 2>/dev/null || { cat "$BOX/log" >&2; exit 1; }
  sleep 0.1
done
kill -TERM $pid; cat "$BOX/log" >&2; exit 1`,
  // For what prints until somebody ends it: it must have printed something.
  for_a_while: `timeout -k 2 4 "$@" > "$BOX/shown"; code=$?
cat "$BOX/shown"
[ $code = 124 ] || [ $code = 137 ] || exit $code
[ -s "$BOX/shown" ]`,
  deno: `[ "$1" = task ] || exec "$REAL" "$@"
words=("\${@:2}"); [ "\${words[0]}" = --quiet ] && words=("\${words[@]:1}")
case "\${words[*]}" in
  start|dev) AT=http://127.0.0.1:$CARILLON_PORT/livez exec until_up "$REAL" task "\${words[@]}" ;;
  simulate) AT=$SIMULATOR_AT exec until_up "$REAL" task simulate ;;
  test*|ok) exit 0 ;; # what runs this test
  "carillon top --once"*) exec "$REAL" "$@" ;;
  "carillon listen"*) exec listened "$REAL" "$@" ;;
  "carillon top"*) exec for_a_while "$REAL" "$@" ;;
esac
exec "$REAL" "$@"`,
  // They change the machine.
  ...{ useradd: "exit 0", systemctl: "exit 0", chown: "exit 0" },
  // Somebody publishes while it listens.
  listened: `(sleep 2; "$REAL" task --quiet publish 3 1 --no-wait >&2) &
for_a_while "$@"; code=$?; wait; exit $code`,
  npx: `[ "$1" = -y ] && [ "$2" = deno@2.9.6 ] || exit 9
exec deno "\${@:3}"`,
  curl: `for word; do [ "$word" = -N ] && exec for_a_while /usr/bin/curl -sS -f "$@"; done
exec /usr/bin/curl -sS --fail-with-body "$@"`,
  // What it prints of a WebSocket, where it is not installed.
  websocat: `exec "$REAL" eval 'const socket = new WebSocket(Deno.args[0]);
socket.onmessage = ({ data }) => { console.log(data); socket.close(); };
socket.onerror = () => Deno.exit(1);' -- "$1"`,
};

/** Makes the folder. */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  const root = await Deno.makeTempDir({ prefix: "carillon_sample_" });
  await install(`${root}/opt`);
  await Deno.mkdir(`${root}/bin`);
  for (const [name, text] of Object.entries(PROGRAMS)) {
    await Deno.writeTextFile(`${root}/bin/${name}`, `#!/usr/bin/env bash\n${text}\n`, {
      mode: 0o755,
    });
  }
  const cache = JSON.parse((await runProgram([Deno.execPath(), "info", "--json"])).stdout);
  const folder = `${root}/opt`;
  return {
    folder,
    async run(script) {
      await prepare(root, script);
      await Deno.mkdir(`${root}/etc/carillon`, { recursive: true });
      await Deno.writeTextFile(
        `${root}/etc/carillon/carillon.env`,
        `CARILLON_ADMIN_KEY=${options.key}\nCARILLON_STORE=kv:${root}/var/lib/carillon.kv\n`,
      );
      const port = String(freePort());
      return await runProgram([
        "bash",
        "-e",
        "-c",
        inSandbox(script, root, options),
        "sample",
        "--help",
      ], {
        cwd: folder,
        env: {
          ...{ BOX: root, REAL: Deno.execPath(), DENO_DIR: cache.denoDir, HOME: root },
          ...{ PATH: `${root}/bin:${Deno.env.get("PATH")}`, CARILLON_PORT: port },
          ...{ SIMULATOR_AT: `http://127.0.0.1:${port}/`, SIMULATOR_PORT: port },
          ...{ SIMULATOR: options.simulator },
          ...{ URL: options.address, KEY: options.key, SESSION: options.session },
          ...{ CARILLON_URL: options.address, CARILLON_KEY: options.key },
          CARILLON_ADDRESS: "ab".repeat(32),
        },
      });
    },
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

/** A data file and a backup of it, each where the sample expects it. */
async function prepare(root: string, script: string): Promise<void> {
  for (const path of ["opt/data", "backups", "damaged", "var", "etc", "my-conf"]) {
    await Deno.remove(`${root}/${path}`, { recursive: true }).catch(() => {});
  }
  await Deno.mkdir(`${root}/.local/share/bash-completion/completions`, { recursive: true });
  for (
    const path of [
      "opt/data",
      "backups",
      "damaged",
      "etc/carillon.old",
      "opt/open-xchange/etc",
      "etc/systemd/system",
      "etc/nginx/conf.d",
      "var/lib/carillon",
    ]
  ) {
    await Deno.mkdir(`${root}/${path}`, { recursive: true });
  }
  const isRestore = /\brestore\b/.test(script);
  const at = script.includes("--salvage") ? "damaged/carillon.kv" : "backups/carillon-monday.kv";
  const path = `${root}/${isRestore ? at : "opt/data/carillon.kv"}`;
  const kv = await Deno.openKv(path);
  await kv.set(["sample"], 1);
  kv.close();
  await Deno.copyFile(path, `${root}/var/lib/carillon/carillon.kv`);
  if (isRestore) await Deno.copyFile(path, `${root}/backups/monday.kv`);
}

/** The sample with its addresses and folders replaced by those that are there. */
function inSandbox(script: string, root: string, options: SandboxOptions): string {
  const { address, redis = "memory:", subscription } = options;
  const host = new URL(address).host;
  return script
    .replaceAll(
      /(https?|wss?):\/\/(?:(?:localhost|127\.0\.0\.1|carillon):8080|push\.example\.com)/g,
      (_, scheme: string) => `${scheme.replace(/s$/, "")}://${host}`,
    )
    .replaceAll("redis://:secret@10.0.0.5:6379", redis)
    // An empty one.
    .replaceAll("redis://:secret@10.0.0.6:6379", `${redis}/1`)
    .replaceAll(/http:\/\/(?:10\.0\.0\.[12]:8080|127\.0\.0\.1:9091)/g, address)
    .replaceAll("INTERNAL_HOST=10.0.0.1", "INTERNAL_HOST=127.0.0.1")
    .replaceAll("INTERNAL_PORT=9091", `INTERNAL_PORT=${freePort()}`)
    .replaceAll(
      /(?<![\w.])\/(backups|damaged|var\/lib|etc\/(?:carillon|systemd|nginx)|opt\/carillon|opt\/open-xchange)/g,
      (_, path) => `${root}/${path === "opt/carillon" ? "opt" : path}`,
    )
    .replaceAll("{id}", subscription)
    .replaceAll("<device token>", "ab".repeat(32))
    .replaceAll(/CARILLON_ADMIN_KEY=(?:…|<key>)/g, `CARILLON_ADMIN_KEY=${options.key}`)
    .replaceAll("CARILLON_SESSION_SECRET=…", `CARILLON_SESSION_SECRET=${"s".repeat(40)}`)
    .replaceAll(/CARILLON_KEY=(?:car_)?…/g, `CARILLON_KEY=${options.key}`)
    .replaceAll("--max-time 60", "--max-time 1");
}
