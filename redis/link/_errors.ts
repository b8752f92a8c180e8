/** What an error of a server means for whoever sent the command. */

import { messageOf, ServiceError } from "../../core/errors.ts";

/** What to do about an error answer. */
export type ErrorMeaning =
  /** The server cannot do it for now. */
  | "unavailable"
  /** The server is no longer the one to ask: the connection is to be made anew. */
  | "elsewhere"
  /** It does not know the script by its hash. */
  | "unknown_script"
  /** A Cluster has the key at another node, for good (`MOVED`) or for this one command (`ASK`). */
  | "moved"
  | "ask"
  /** The command is wrong, or this is no error answer of a server at all. */
  | "other";

/**
 * By the first word of the error answer. What is said of a lack of rights or a wrong password is an
 * operator's to set right, and then goes on.
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
  READONLY: "elsewhere",
  MASTERDOWN: "elsewhere",
  UNBLOCKED: "elsewhere",
  NOSCRIPT: "unknown_script",
  MOVED: "moved",
  ASK: "ask",
};

/** What something that was thrown means. */
export function meaningOf(thrown: unknown): ErrorMeaning {
  if (!(thrown instanceof Error) || thrown instanceof ServiceError) return "other";
  if (thrown.message.startsWith("ERR max number of clients")) return "unavailable";
  // What a script meets with comes with `ERR` or a sign before it from some versions.
  const word = /^(?:ERR )?-?([A-Z]{3,})\b/.exec(thrown.message)?.[1] ?? "";
  return MEANINGS[word] ?? "other";
}

/** Where `MOVED 3999 127.0.0.1:6381` or `ASK …` points; without a host: the one that was asked. */
export function redirection(
  message: string,
): { readonly slot: number; readonly host: string; readonly port: number } | undefined {
  const match = /^(?:MOVED|ASK) (\d+) (.*):(\d+)/.exec(message);
  if (match === null) return undefined;
  return { slot: Number(match[1]), host: match[2]!, port: Number(match[3]) };
}

/** The error that every method of the port rejects with while Redis cannot be used. */
export function unavailable(why: string, cause?: unknown): ServiceError {
  return new ServiceError("store_unavailable", `Cannot reach Redis at ${why}`, {
    retryAfterSeconds: 1,
    ...cause === undefined ? {} : { cause },
  });
}

/** What to reject with for an error answer to `what`, a command or a script. */
export function errorOf(thrown: unknown, what: string | number | undefined): unknown {
  if (thrown instanceof ServiceError || !(thrown instanceof Error)) return thrown;
  const message = `Cannot run ${what} on Redis: ${messageOf(thrown, 200)}`;
  if (meaningOf(thrown) === "other") return new Error(message, { cause: thrown });
  return new ServiceError("store_unavailable", message, { retryAfterSeconds: 1, cause: thrown });
}
