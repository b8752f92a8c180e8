/** Judges the configuration: what a start refuses, what it ignores, and what contradicts itself. */

import { placeOf } from "../../core/file_fault.ts";
import type { Settings } from "../../cascade/mod.ts";
import type { ConfigurationFacts, Facts } from "../facts.ts";
import { error, type Finding, warning } from "../finding.ts";

/** HS256 needs a key as long as its hash (RFC 7518 §3.2). */
const MIN_SECRET_BYTES = 32;
const OWN_VARIABLES = new Set([
  ...["CARILLON_PORT", "CARILLON_HOST", "CARILLON_CONFIG_DIR", "CARILLON_STORE"],
  ...["CARILLON_ADMIN_KEY", "CARILLON_SESSION_SECRET"],
  // Of the command line.
  ...["CARILLON_URL", "CARILLON_KEY", "CARILLON_ADDRESS"],
]);

/** Checks the folder and the environment. */
export function checkConfiguration({ configuration, store }: Facts): readonly Finding[] {
  const { built, clientFaults, variables } = configuration;
  return [
    ...built.ok ? contradictions(built.configuration.settings, configuration) : built.faults.map(
      (fault) =>
        error("configuration_faulty", `${placeOf(fault)}: ${fault.message}`, {
          do: "Correct the value: the service does not start, and does not reload, before",
        }),
    ),
    ...built.warnings.map((fault) =>
      warning("property_ignored", `${placeOf(fault)}: ${fault.message}`, {
        do: "Correct or remove it: as it is, it has no effect",
      })
    ),
    ...clientFaults.map((fault) =>
      error("client_options_faulty", `${placeOf(fault)}: ${fault.message}`, {
        do: "Correct the entry: until then this client gets no pushes",
      })
    ),
    ...unknownVariables(variables),
    ...secrets(variables, store?.kind === "redis"),
  ];
}

function contradictions(
  { buffer, delivery, realtime, resume, internal, cluster }: Settings,
  { port }: ConfigurationFacts,
): readonly Finding[] {
  const found: Finding[] = [];
  const contradict = (what: string, todo: string) =>
    found.push(error("properties_contradict", what, { do: todo }));
  if (buffer.maxDelayDuration > 0 && buffer.delayDuration > buffer.maxDelayDuration) {
    contradict(
      `delayDuration (${buffer.delayDuration} ms) is longer than maxDelayDuration ` +
        `(${buffer.maxDelayDuration} ms), so the longer one never holds`,
      "Raise com.openexchange.pns.maxDelayDuration, or lower com.openexchange.pns.delayDuration",
    );
  }
  if (delivery.retryBaseMs > delivery.retryMaxMs) {
    contradict(
      `retryBase (${delivery.retryBaseMs} ms) is longer than retryMax (${delivery.retryMaxMs} ms)`,
      "Raise io.carillon.delivery.retryMax, or lower io.carillon.delivery.retryBase",
    );
  }
  if (internal.port !== 0 && internal.port === port) {
    contradict(
      `The internal listener and the public one have the same port, ${port}`,
      "Give io.carillon.internal.port another number than CARILLON_PORT",
    );
  }
  if (realtime.maxBacklogBytes > realtime.maxTotalBacklogBytes) {
    contradict(
      "One peer may have a larger backlog than all peers together",
      "Raise io.carillon.websocket.maxTotalBacklogBytes, or lower " +
        "io.carillon.websocket.maxBacklogBytes",
    );
  }
  if (resume.windowMs < realtime.pingInterval) {
    contradict(
      `Events are kept for ${resume.windowMs} ms, and a peer that is gone is noticed only after ` +
        `${realtime.pingInterval} ms and more: its client gets 'resync' instead of what it missed`,
      "Raise io.carillon.resume.window above io.carillon.websocket.pingInterval",
    );
  }
  if (cluster.leaseMs > resume.windowMs) {
    contradict(
      `A node that is gone is noticed after ${cluster.leaseMs} ms, longer than events are kept`,
      "Raise io.carillon.resume.window above io.carillon.cluster.lease",
    );
  }
  return found;
}

function unknownVariables(variables: Readonly<Record<string, string>>): readonly Finding[] {
  return Object.keys(variables)
    .filter((name) => name.startsWith("CARILLON_") && !OWN_VARIABLES.has(name))
    .filter((name) => !/^CARILLON_(?:TEST|FUZZ)/.test(name))
    .map((name) =>
      warning("variable_unknown", `The variable ${name} is known to nobody`, {
        do: `Correct its name: the service reads ${[...OWN_VARIABLES].slice(0, 6).join(", ")}`,
      })
    );
}

function secrets(
  { CARILLON_ADMIN_KEY: adminKey, CARILLON_SESSION_SECRET: secret }: Readonly<
    Record<string, string>
  >,
  isShared: boolean,
): readonly Finding[] {
  const found: Finding[] = [];
  if (secret !== undefined && new TextEncoder().encode(secret).length < MIN_SECRET_BYTES) {
    found.push(error("session_secret_short", "CARILLON_SESSION_SECRET can be guessed", {
      do: `Take at least ${MIN_SECRET_BYTES} random bytes: openssl rand -base64 32`,
    }));
  }
  if (isShared && !adminKey) {
    found.push(warning("admin_key_missing", "Several nodes may start, and none has an admin key", {
      do: "Set CARILLON_ADMIN_KEY to the same value on all nodes: otherwise the first one prints " +
        "a key where you may not look",
    }));
  }
  return found;
}
