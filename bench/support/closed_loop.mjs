// A closed loop: so many pushes under way at all times, for so long. Plain JavaScript, so that
// Carillon on Deno and its peers on Node.js are measured by the very same lines.
import process from "node:process";

/**
 * @param {{ inFlight: number, warmUpMs: number, measureMs: number }} settings
 * @param {(index: number) => Promise<boolean> | boolean} push Makes one push; false: it was not accepted.
 */
export async function closedLoop({ inFlight, warmUpMs, measureMs }, push) {
  let index = 0;
  // Alone at first: APNs grants a new connection one stream until it knows the sender.
  if (!await push(index++)) throw new Error("The first push was not accepted");

  let latencies = [];
  let failed = 0;
  let until = performance.now() + warmUpMs;

  async function worker() {
    for (;;) {
      const started = performance.now();
      if (started >= until) return;
      const accepted = await push(index++);
      if (accepted) latencies.push(performance.now() - started);
      else failed++;
    }
  }

  const round = () => Promise.all(Array.from({ length: inFlight }, worker));
  await round();
  latencies = [];
  failed = 0;
  const cpu = process.cpuUsage();
  const started = performance.now();
  until = started + measureMs;
  await round();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.floor(latencies.length * share)] ?? 0;
  return {
    perSecond: latencies.length / seconds,
    cpuMicroseconds: (user + system) / Math.max(1, latencies.length),
    p50: at(0.5),
    p99: at(0.99),
    failed,
  };
}
