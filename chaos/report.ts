/** The verdict as text for a terminal. */

import type { Finding } from "./_finding.ts";

/** One line for each finding; faults are marked and show a few of what was found. */
export function tableOf(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ what }) => what.length)) + 2;
  return findings.flatMap(({ what, count, isFault, examples }) => {
    const verdict = !isFault ? "" : count === 0 ? "ok" : "FAULT";
    const line = `${what.padEnd(width)}${String(count).padStart(8)}  ${verdict}`.trimEnd();
    return [line, ...examples.map((example) => `    ${example}`)];
  }).join("\n");
}
