/** What the doctor finds: something that is wrong, and what to do about it. */

/** `error`: something does not work, or will lose notifications. `warning`: it may before long. */
type Severity = "error" | "warning";

/** One thing that is wrong. */
export interface Finding {
  /** Stable name, for scripts. */
  readonly code: string;
  readonly severity: Severity;
  /** What is wrong, with where. Never contains a secret. */
  readonly what: string;
  /** What to do. */
  readonly do: string;
}

/** Makes a finding of severity `error`. */
export function error(code: string, what: string, { do: todo }: { readonly do: string }): Finding {
  return { code, severity: "error", what, do: todo };
}

/** Makes a finding of severity `warning`. */
export function warning(
  code: string,
  what: string,
  { do: todo }: { readonly do: string },
): Finding {
  return { code, severity: "warning", what, do: todo };
}
