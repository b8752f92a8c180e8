/** All checks over all facts, the worst findings first. Pure. */

import { checkConfiguration } from "./checks/configuration.ts";
import { checkCredentials } from "./checks/credentials.ts";
import { checkNetwork } from "./checks/network.ts";
import { checkStore } from "./checks/store.ts";
import { checkSurroundings } from "./checks/surroundings.ts";
import { checkWebhooks } from "./checks/webhooks.ts";
import type { Facts } from "./facts.ts";
import type { Finding } from "./finding.ts";

const CHECKS = [
  checkConfiguration,
  checkStore,
  checkCredentials,
  checkWebhooks,
  checkSurroundings,
  checkNetwork,
];

/** Judges the facts; nothing where all is sound. */
export function diagnose(facts: Facts): readonly Finding[] {
  const found = CHECKS.flatMap((check) => check(facts));
  return [
    ...found.filter(({ severity }) => severity === "error"),
    ...found.filter(({ severity }) => severity === "warning"),
  ];
}
