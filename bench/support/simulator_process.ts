/** The simulator as a separate process that keeps counts only, as the server of benchmarks. */

import type { Material, SimulatorAddresses } from "../../simulator/mod.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** A running simulator. */
export interface SimulatorProcess extends AsyncDisposable {
  readonly pid: number;
  readonly addresses: SimulatorAddresses;
  readonly material: Material;
  /** The folder of its credentials, `ca.pem` and a matching configuration (`conf/`). */
  readonly folder: string;
  setLatency(ms: number): Promise<void>;
  setFault(provider: string, script: string): Promise<void>;
}

/** Starts it on free ports. */
export async function startSimulatorProcess(): Promise<SimulatorProcess> {
  const folder = await Deno.makeTempDir({ prefix: "bench_simulator_" });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "simulator/main.ts"]
      .concat("--port", "0", "--keep", "0", "--data", folder),
    cwd: ROOT,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const api = await apiOf(child.stdout);

  async function call(method: string, path: string, body: unknown): Promise<void> {
    const response = await fetch(`${api}/api/${path}`, {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`The simulator refused: ${await response.text()}`);
    await response.body?.cancel();
  }

  const { addresses } = await (await fetch(`${api}/api/samples`)).json();
  return {
    pid: child.pid,
    addresses,
    material: JSON.parse(await Deno.readTextFile(`${folder}/material.json`)),
    folder,
    setLatency: (ms) => call("PUT", "latency", { ms }),
    setFault: (provider, script) => call("POST", "faults", { provider, script }),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Reads the output of a start, and discards what follows. */
async function apiOf(stdout: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stdout.pipeThrough(new TextDecoderStream() as ReadableWritablePair).getReader();
  let text = "";
  while (!text.includes("Addresses to subscribe with")) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`The simulator ended before it listened: ${text}`);
    text += value;
  }
  void (async () => {
    while (!(await reader.read()).done) { /* dropped */ }
  })().catch(() => {});
  return /Simulator: (\S+)/.exec(text)![1]!;
}
