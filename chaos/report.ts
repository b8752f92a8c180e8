/** Formats the assessment for a terminal. */

import type { Finding } from "./_finding.ts";

/** Returns one line for each finding; faults are marked and followed by a few examples. */
export function tableOf(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ what }) => what.length)) + 2;
  return findings.flatMap(({ what, count, isFault, examples }) => {
    const mark = !isFault ? "" : count === 0 ? "ok" : "FAULT";
    const line = `${what.padEnd(width)}${String(count).padStart(8)}  ${mark}`.trimEnd();
    return [line, ...examples.map((example) => `    ${example}`)];
  }).join("\n");
}
