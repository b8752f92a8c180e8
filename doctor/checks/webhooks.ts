/** Judges the receivers of webhooks: whether they may be called, are known by a secret, and answer. */

import type { Facts, WebhookFacts } from "../facts.ts";
import { error, type Finding, warning } from "../finding.ts";

/** Below this many characters a secret can be guessed from one signed webhook. */
const MIN_SECRET = 16;
/** What a gateway says in the place of a receiver that is gone. */
const NOBODY_BEHIND = [502, 503, 504];

/** Checks each receiver. */
export function checkWebhooks({ webhooks }: Facts): readonly Finding[] {
  return webhooks.flatMap((facts) => [
    ...settingFindings(facts),
    ...addressFindings(facts),
  ]);
}

function settingFindings(
  { client, isEnabled, isAuthenticated, missing, shortestSecret }: WebhookFacts,
): readonly Finding[] {
  const whose = `webhook '${client}'`;
  const found: Finding[] = missing.map((option) =>
    error("webhook_options_incomplete", `${whose}: '${option}' is missing`, {
      do: `Give '${option}' in webhooks.yml, or take out the option that goes with it: as it is, ` +
        "webhooks go without that proof of who sent them",
    })
  );
  if (!isEnabled) {
    found.push(
      warning("webhook_not_enabled", `${whose}: nobody may subscribe with it, nor is it sent to`, {
        do: "Name it in com.openexchange.webhooks.enabledIds, for all or in a context set",
      }),
    );
  }
  if (!isAuthenticated) {
    found.push(warning("webhook_unauthenticated", `${whose} has no secret`, {
      do: "Give webhookSecret, or signatureSecret and signatureHeaderName, and have the receiver " +
        "check it: otherwise anybody can send it notifications",
    }));
  } else if (shortestSecret !== undefined && shortestSecret < MIN_SECRET) {
    found.push(warning("webhook_secret_short", `${whose}: a secret can be guessed`, {
      do: "Take a random one, at the receiver too: openssl rand -hex 32",
    }));
  }
  return found;
}

function addressFindings(
  { client, origin, addressFault, answer }: WebhookFacts,
): readonly Finding[] {
  const whose = `webhook '${client}' (${origin})`;
  if (addressFault !== undefined) {
    return [error("webhook_address_refused", `${whose} is not called: ${addressFault}`, {
      do:
        "Correct 'uri', or allow what it needs: com.openexchange.pns.transport.webhooks.httpsOnly, " +
        "com.openexchange.pns.transport.webhooks.allowLocalWebhooks",
    })];
  }
  if (answer === undefined) return [];
  const { status, fault } = answer;
  if (fault !== undefined || NOBODY_BEHIND.includes(status!)) {
    return [
      error("webhook_unreachable", `${whose}: ${fault ?? `a gateway answers ${status}`}`, {
        do: "Start the receiver, correct 'uri', or let this machine through to it",
      }),
    ];
  }
  if (status! >= 300 && status! < 400) {
    return [error("webhook_redirects", `${whose} answers with a redirect (${status})`, {
      do: "Give 'uri' the address that it leads to: redirects are not followed, so webhooks are " +
        "rejected",
    })];
  }
  return [];
}
