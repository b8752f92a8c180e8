/** Judges the credentials of providers, what providers say to them, and files with secrets. */

import type { CredentialFacts, Facts } from "../facts.ts";
import { error, type Finding, warning } from "../finding.ts";

const DAY_MS = 86_400_000;
const SOON_DAYS = 14;
const READABLE_BY_OTHERS = 0o004;

/** Checks each client of each provider. */
export function checkCredentials(
  { credentials, secretFiles, configuration, now }: Facts,
): readonly Finding[] {
  return [
    ...credentials.flatMap((facts) => credentialFindings(facts, now)),
    ...switchedOff(credentials, configuration),
    ...secretFiles.filter(({ mode }) => (mode & READABLE_BY_OTHERS) !== 0).map(({ path }) =>
      warning("secret_file_readable", `Every user of the machine may read ${path}`, {
        do: `chmod 640 ${path}, with the group of the service`,
      })
    ),
  ];
}

function credentialFindings(
  { transport, status, dryRun }: CredentialFacts,
  now: number,
): readonly Finding[] {
  const { client, ready, detail, credentialExpiresAt } = status;
  const whose = `${transport} client '${client}'`;
  if (!ready) {
    return [error("credential_unusable", `${whose}: ${detail}`, {
      do: adviceFor(detail ?? ""),
    })];
  }
  const found: Finding[] = [];
  const days = credentialExpiresAt === undefined
    ? Infinity
    : Math.floor((credentialExpiresAt - now) / DAY_MS);
  if (days < SOON_DAYS) {
    found.push(warning("credential_ends_soon", `${whose}: the credential ends in ${days} days`, {
      do: "Renew it and put the new file in the place of the old one; the service notices",
    }));
  }
  return [...found, ...dryRun ? dryRunFindings(whose, dryRun) : []];
}

function adviceFor(detail: string): string {
  if (/expired/.test(detail)) {
    return "Renew the certificate at Apple's developer site and replace the keystore; a token key " +
      "(authtype: jwt) does not expire";
  }
  if (/environment/.test(detail)) {
    return "Set 'production' to what the certificate is for, or make a certificate for the other";
  }
  if (/one pair/.test(detail)) {
    return "Take both keys from the same run of 'deno task vapid'; subscriptions stay bound to the " +
      "public key that they were made with";
  }
  return "Correct the entry or the file that it names; 'deno task carillon config check' says more";
}

function dryRunFindings(
  whose: string,
  outcome: NonNullable<CredentialFacts["dryRun"]>,
): readonly Finding[] {
  if (outcome.kind === "misconfigured") {
    return [error("provider_refuses", `${whose}: the provider refuses it: ${outcome.reason}`, {
      do:
        "Compare key, key id, team, project and topic with the provider's console; a key that was " +
        "revoked there must be replaced here",
    })];
  }
  if (outcome.kind === "retry") {
    return [error("provider_unreachable", `${whose}: no answer to rely on: ${outcome.reason}`, {
      do: "Let the machine through to the provider (docs/operations.md), and check 'address', " +
        "'tokenaddress' and 'cafile' of the entry",
    })];
  }
  return [];
}

/** Clients whose transport is off for everybody who has no setting of their own. */
function switchedOff(
  credentials: Facts["credentials"],
  { built }: Facts["configuration"],
): readonly Finding[] {
  if (!built.ok) return [];
  const { server, contextSets } = built.configuration;
  const switches: Readonly<Record<string, string>> = {
    apn: "com.openexchange.pns.transport.apn.ios.enabled",
    gcm: "com.openexchange.pns.transport.gcm.enabled",
    wns: "com.openexchange.pns.transport.wns.enabled",
    webpush: "com.openexchange.pns.transport.webpush.enabled",
  };
  // Context sets and attributes may switch it on for some; then it is meant so.
  if (contextSets.length > 0) return [];
  const transports = new Set(credentials.map(({ transport }) => transport));
  return [...transports].filter((transport) => {
    const key = switches[transport];
    return key !== undefined &&
      ![...server].some(([name, { value }]) => name.startsWith(key) && value === true);
  }).map((transport) =>
    warning("transport_off", `${transport} has clients, and is switched off`, {
      do: `deno task carillon config set ${switches[transport]} true`,
    })
  );
}
