/**
 * A new operator's first weeks, on a machine of their own in a folder: install, configure, put nginx
 * in front, rotate a credential, restore a backup, add a node, upgrade and go back. A supervisor
 * starts the service again as the unit in `deploy/systemd` says.
 */

import assert from "node:assert/strict";
import { io } from "socket.io-client";
import { makeVapidKeys } from "../../transports/webpush/vapid.ts";
import { freePort } from "../support/free_port.ts";
import { install } from "../support/install.ts";
import { startNginx } from "../support/nginx.ts";
import { NGINX, programTest, type Ran, runProgram } from "../support/programs.ts";
import { HAS_REDIS, startRedis } from "../support/redis_server.ts";
import { until } from "../support/until.ts";

const KEY = "an-admin-key-of-an-operator";
const SECRET = "thirty-two bytes or more, at random, here";

/** `Restart=always`, `RestartPreventExitStatus=78`, SIGTERM to stop. */
class Supervised implements AsyncDisposable {
  starts = 0;
  output = "";
  #child: Deno.ChildProcess | undefined;
  #isWanted = true;
  #done: Promise<void> = Promise.resolve();

  constructor(readonly folder: string, readonly variables: Readonly<Record<string, string>>) {
    this.#done = this.#supervise();
  }

  get address(): string {
    return `http://127.0.0.1:${this.variables.CARILLON_PORT}`;
  }

  async ready(): Promise<void> {
    await until("the node is ready", async () => {
      try {
        const response = await fetch(`${this.address}/readyz`);
        await response.body?.cancel();
        return response.ok;
      } catch {
        return false;
      }
    }, 30_000);
  }

  kill(signal: Deno.Signal): void {
    this.#child?.kill(signal);
  }

  /** The service itself dies, as of too little memory; `deno task` ends with it. */
  async crash(): Promise<void> {
    const { stdout } = await runProgram(["pgrep", "-P", String(this.#child!.pid)]);
    for (const pid of stdout.trim().split("\n")) Deno.kill(Number(pid), "SIGKILL");
  }

  async stop(): Promise<void> {
    this.#isWanted = false;
    try {
      this.kill("SIGTERM");
    } catch {
      // it has ended by itself
    }
    await this.#done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #supervise(): Promise<void> {
    while (this.#isWanted) {
      this.starts++;
      this.#child = new Deno.Command(Deno.execPath(), {
        args: ["task", "start"],
        cwd: this.folder,
        env: { NO_COLOR: "1", ...this.variables },
        ...{ stdin: "null", stdout: "piped", stderr: "piped" },
      }).spawn();
      const [{ code }] = await Promise.all([
        this.#child.status,
        ...[this.#child.stdout, this.#child.stderr].map(async (stream) => {
          for await (const text of stream.pipeThrough(new TextDecoderStream())) this.output += text;
        }),
      ]);
      if (code === 78) return;
    }
  }
}

/** A command of the installation. */
function task(
  node: { readonly folder: string; readonly variables: Readonly<Record<string, string>> },
  ...words: readonly string[]
): Promise<Ran> {
  const { CARILLON_PORT, ...variables } = node.variables;
  return runProgram([Deno.execPath(), "task", "--quiet", ...words], {
    cwd: node.folder,
    env: { CARILLON_URL: `http://127.0.0.1:${CARILLON_PORT}`, CARILLON_KEY: KEY, ...variables },
  });
}

async function succeed(ran: Promise<Ran>): Promise<string> {
  const { code, stdout, stderr } = await ran;
  assert.equal(code, 0, stderr + stdout);
  return stdout;
}

programTest(NGINX)(
  "a new operator installs, configures, rotates, restores and goes back",
  async () => {
    await using opened = new AsyncDisposableStack();
    const root = await Deno.makeTempDir({ prefix: "carillon_operator_" });
    opened.defer(() => Deno.remove(root, { recursive: true }));
    const folder = `${root}/opt`;
    await install(folder);
    const variables = {
      CARILLON_PORT: String(freePort()),
      CARILLON_HOST: "127.0.0.1",
      CARILLON_STORE: `kv:${root}/data/carillon.kv`,
      CARILLON_ADMIN_KEY: KEY,
      CARILLON_SESSION_SECRET: SECRET,
    };
    const data = `${root}/data/carillon.kv`;
    let node = opened.use(new Supervised(folder, variables));
    await node.ready();

    // Configure: Web Push, with a pair from the command.
    const { publickey, privatekey } = await makeVapidKeys();
    const entry = (pair: { publickey: string; privatekey: string }, more = "") =>
      `browser:\n  publickey: ${pair.publickey}\n  privatekey: ${pair.privatekey}\n` +
      `  subject: mailto:push@example.com\n${more}`;
    const options = `${folder}/conf/pns-webpush-options.yml`;
    await Deno.writeTextFile(options, entry({ publickey, privatekey }));
    await Deno.chmod(options, 0o600);
    const on = "com.openexchange.pns.transport.webpush.enabled";
    await succeed(task(node, "carillon", "config", "set", on, "true", "--reload"));
    await succeed(task(node, "carillon", "config", "check"));

    // nginx in front, as deploy/ has it, and a browser behind it.
    const template = await Deno.readTextFile(`${folder}/deploy/nginx.conf`);
    const proxy = opened.use(
      await startNginx((port) =>
        template.replaceAll("10.0.0.1:8080", `127.0.0.1:${variables.CARILLON_PORT}`)
          .replaceAll(/^\s*server 10\.0\.0\.2.*\n/gm, "")
          .replace("listen 80;", `listen 127.0.0.1:${port};`)
      ),
    );
    await succeed(
      task(node, "carillon", "doctor", "--url", proxy.address, "--node", node.address),
    );
    const { token } = await (await fetch(`${proxy.address}/v1/sessions`, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      body: JSON.stringify({ context: "1", user: "3" }),
    })).json();
    const events: unknown[] = [];
    const socket = io(proxy.address, {
      path: "/socket.io/appsuite/",
      query: { session: token, connection: crypto.randomUUID() },
      reconnectionDelay: 100,
      reconnectionDelayMax: 200,
    });
    opened.defer(() => void socket.close());
    socket.on("ox:mail:new", (mail) => events.push(mail));
    await until("the socket is open", () => socket.connected);
    await succeed(task(node, "publish", "3", "1"));
    await until("the event has come", () => events.length === 1);

    // Rotate the credential: the file changes, the service notices on a reload.
    const next = await makeVapidKeys();
    const earlier =
      `  previouskeys:\n    - publickey: ${publickey}\n      privatekey: ${privatekey}\n`;
    await Deno.writeTextFile(options, entry(next, earlier));
    const reloaded = await fetch(`${node.address}/v1/admin/reload`, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}` },
    });
    assert.equal(reloaded.status, 200, await reloaded.text());
    await until("the new key is given out", async () => {
      const response = await fetch(`${node.address}/v1/webpush/browser/key`);
      return (await response.text()).includes(next.publickey);
    });

    // A crash: the supervisor starts it again, and the browser comes back by itself.
    const before = node.starts;
    await node.crash();
    await until("it was started again", () => node.starts > before);
    await node.ready();
    await until("the socket is back", () => socket.connected);

    // Backup while it runs; the machine burns down; restore on another one.
    const backup = `${root}/monday.kv`;
    await succeed(task(node, "backup", data, backup));
    await node.stop();
    await Deno.remove(`${root}/data`, { recursive: true });
    await succeed(task(node, "restore", backup, data));
    node = opened.use(new Supervised(folder, variables));
    await node.ready();
    const { items } = await (await fetch(`${node.address}/v1/keys`, {
      headers: { authorization: `Bearer ${KEY}` },
    })).json();
    assert.ok(Array.isArray(items));

    // Upgrade to another folder on the same data, and go back.
    const newer = `${root}/opt-2`;
    await install(newer);
    for (const at of [newer, folder]) {
      await node.stop();
      node = opened.use(new Supervised(at, variables));
      await node.ready();
      await succeed(task(node, "publish", "3", "1"));
    }

    // A damaged data file: no crash loop, and the way out in the log.
    await node.stop();
    const bytes = await Deno.readFile(data);
    bytes.fill(0xff, 100, 116);
    await Deno.writeFile(data, bytes);
    const broken = opened.use(new Supervised(folder, variables));
    await until("the supervisor gives up", () => /restore the last backup/.test(broken.output));
    await broken.stop();
    assert.equal(broken.starts, 1);
  },
);

programTest({ name: "redis-server", isThere: HAS_REDIS })(
  "an operator adds a node, and the doctor compares the two",
  async () => {
    await using opened = new AsyncDisposableStack();
    const redis = opened.use(await startRedis({ appendonly: true }));
    const folder = await Deno.makeTempDir({ prefix: "carillon_operator_" });
    opened.defer(() => Deno.remove(folder, { recursive: true }));
    await install(folder);
    const variables = {
      CARILLON_HOST: "127.0.0.1",
      CARILLON_STORE: redis.url,
      CARILLON_ADMIN_KEY: KEY,
      CARILLON_SESSION_SECRET: SECRET,
    };
    const start = () =>
      opened.use(new Supervised(folder, { ...variables, CARILLON_PORT: String(freePort()) }));
    const first = start();
    await first.ready();
    const second = start();
    await second.ready();
    await succeed(
      task(first, "carillon", "doctor", "--node", first.address, "--node", second.address),
    );
    // One goes, and the other one takes publishes.
    await first.stop();
    await succeed(task(second, "publish", "3", "1"));
  },
);
