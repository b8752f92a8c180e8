/** The service as a separate process, started like `deno task start`. */

import { SignJWT } from "jose";
import { readStartTask } from "../../scripts/start_task.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const SECRET = "a secret of the benchmark, and of nothing else";

/** A running service. */
export interface CarillonProcess extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  readonly adminKey: string;
  /** Returns a session token for a user. */
  session(user: string): Promise<string>;
  /** Publishes a batch; throws where it is not accepted. */
  publish(
    notifications: readonly unknown[],
    options?: { readonly idempotencyKey?: string },
  ): Promise<readonly string[]>;
  /** Kills it with SIGKILL. */
  kill(): Promise<void>;
}

/** Options of a start. */
export interface StartOptions {
  readonly v8Flags?: readonly string[];
  /** The value of `CARILLON_STORE`; absent for a new data file. */
  readonly store?: string;
  /** Absent for any free port. */
  readonly port?: number;
  /** Configuration files by name, besides the properties. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Starts the service with a configuration of its own. */
export async function startCarillon(
  properties: readonly string[],
  { v8Flags = [], store, port: wanted = 0, files = {} }: StartOptions = {},
): Promise<CarillonProcess> {
  const folder = await Deno.makeTempDir({ prefix: "bench_" });
  await Deno.mkdir(`${folder}/conf`);
  await Deno.writeTextFile(`${folder}/conf/bench.properties`, properties.join("\n"));
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/conf/${name}`, text);
  }
  const adminKey = "benchmark-admin-key";
  const { variables, flags } = readStartTask(await Deno.readTextFile(`${ROOT}deno.json`));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...flags, "--allow-write", ...v8Flags, "main.ts"],
    cwd: ROOT,
    env: {
      ...variables,
      CARILLON_PORT: String(wanted),
      CARILLON_HOST: "127.0.0.1",
      CARILLON_CONFIG_DIR: `${folder}/conf`,
      CARILLON_STORE: store ?? `kv:${folder}/data.kv`,
      CARILLON_ADMIN_KEY: adminKey,
      CARILLON_SESSION_SECRET: SECRET,
    },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const port = await portOf(child.stdout);
  const key = new TextEncoder().encode(SECRET);

  let killed = false;

  async function kill(): Promise<void> {
    if (!killed) child.kill("SIGKILL");
    killed = true;
    await child.status;
  }

  return {
    pid: child.pid,
    port,
    adminKey,
    session: (user) =>
      new SignJWT({ ctx: "1" }).setProtectedHeader({ alg: "HS256" }).setSubject(user)
        .setExpirationTime("1h").sign(key),
    publish: publisherTo({ port, adminKey }),
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Returns a function that publishes batches at a port of this machine. */
export function publisherTo(
  { port, adminKey }: Pick<CarillonProcess, "port" | "adminKey">,
): CarillonProcess["publish"] {
  return async (notifications, { idempotencyKey } = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/notifications`, {
      method: "POST",
      headers: {
        "authorization": `Bearer ${adminKey}`,
        "content-type": "application/json",
        ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
      },
      body: JSON.stringify({ notifications }),
    });
    const body = await response.json();
    if (response.status !== 202) throw new Error(`Not accepted: ${JSON.stringify(body)}`);
    return body.ids;
  };
}

/** Reads the address that the service prints, and discards the rest of the output. */
async function portOf(stdout: ReadableStream<Uint8Array>): Promise<number> {
  const reader = stdout.pipeThrough(new TextDecoderStream() as ReadableWritablePair).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`The service ended before it listened: ${text}`);
    text += value;
    const port = /listening at http:\/\/[^:]+:(\d+)/.exec(text)?.[1];
    if (port === undefined) continue;
    reader.releaseLock();
    void (async () => {
      for await (const _ of stdout) { /* dropped */ }
    })().catch(() => {});
    return Number(port);
  }
}
