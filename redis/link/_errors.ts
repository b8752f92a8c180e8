/** Classifies the error replies of a server. */

import { messageOf, ServiceError } from "../../core/errors.ts";

/** What an error reply means. */
export type ErrorMeaning =
  /** The server cannot run the command at the moment. */
  | "unavailable"
  /** The server is a replica now. */
  | "not_master"
  /** The server does not have the script. */
  | "unknown_script"
  /** Another server of the Cluster has the slot. */
  | "moved"
  /** Another server of the Cluster has this key while its slot is being moved. */
  | "ask"
  /** The command is wrong, or this is not an error reply. */
  | "other";

/**
 * Meanings by the first word of the error reply. Missing rights and wrong passwords are unavailable
 * because an operator can correct them while the service runs.
 */
const MEANINGS: Readonly<Record<string, ErrorMeaning>> = {
  OOM: "unavailable",
  LOADING: "unavailable",
  BUSY: "unavailable",
  CLUSTERDOWN: "unavailable",
  MISCONF: "unavailable",
  NOREPLICAS: "unavailable",
  TRYAGAIN: "unavailable",
  NOAUTH: "unavailable",
  WRONGPASS: "unavailable",
  NOPERM: "unavailable",
  READONLY: "not_master",
  MASTERDOWN: "not_master",
  UNBLOCKED: "not_master",
  NOSCRIPT: "unknown_script",
  MOVED: "moved",
  ASK: "ask",
};

/** Classifies an error reply. */
export function meaningOf(thrown: unknown): ErrorMeaning {
  if (!(thrown instanceof Error) || thrown instanceof ServiceError) return "other";
  if (thrown.message.startsWith("ERR max number of clients")) return "unavailable";
  // Some versions put `ERR` or a minus sign before errors of commands in scripts.
  const word = /^(?:ERR )?-?([A-Z]{3,})\b/.exec(thrown.message)?.[1] ?? "";
  return MEANINGS[word] ?? "other";
}

/** Parses `MOVED 3999 127.0.0.1:6381` or `ASK …`; an empty host means the server that replied. */
export function redirection(
  message: string,
): { readonly slot: number; readonly host: string; readonly port: number } | undefined {
  const match = /^(?:MOVED|ASK) (\d+) (.*):(\d+)/.exec(message);
  if (match === null) return undefined;
  return { slot: Number(match[1]), host: match[2]!, port: Number(match[3]) };
}

/** Makes the error for a server that cannot be reached. */
export function unavailable(why: string, cause?: unknown): ServiceError {
  return new ServiceError("store_unavailable", `Cannot reach Redis at ${why}`, {
    retryAfterSeconds: 1,
    cause,
  });
}

/** Makes the error for an error reply to `what`, a command or a script. */
export function errorOf(thrown: unknown, what: string | number | undefined): unknown {
  if (thrown instanceof ServiceError || !(thrown instanceof Error)) return thrown;
  const message = `Cannot run ${what} on Redis: ${messageOf(thrown, 200)}`;
  if (meaningOf(thrown) === "other") return new Error(message, { cause: thrown });
  return new ServiceError("store_unavailable", message, { retryAfterSeconds: 1, cause: thrown });
}
