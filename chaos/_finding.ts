/** The findings that an assessment consists of: a count, whether it is a fault, and a few examples. */

/** The result of one check. */
export interface Finding {
  readonly what: string;
  readonly count: number;
  /** Whether a count above 0 is a fault; otherwise the finding is only informative. */
  readonly isFault: boolean;
  /** A few of the cases. */
  readonly examples: readonly string[];
}

/** The most examples in a finding. */
const EXAMPLES = 5;

/** Creates a finding for cases that must not occur. */
export function fault(what: string, found: readonly string[]): Finding {
  return { ...info(what, found), isFault: true };
}

/** Creates a finding for information only. */
export function info(what: string, found: readonly string[] | number): Finding {
  const isNumber = typeof found === "number";
  return {
    what,
    count: isNumber ? found : found.length,
    isFault: false,
    examples: isNumber ? [] : found.slice(0, EXAMPLES),
  };
}
