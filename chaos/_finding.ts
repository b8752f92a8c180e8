/** How the parts of a verdict are told: a count, whether it is a fault, and a few examples. */

/** One thing that was looked for. */
export interface Finding {
  readonly what: string;
  readonly count: number;
  /** Whether any other count than 0 is a fault; otherwise it is only told. */
  readonly isFault: boolean;
  /** A few of them. */
  readonly examples: readonly string[];
}

/** Examples that are told of each finding. */
const EXAMPLES = 5;

/** Something that must not be. */
export function fault(what: string, found: readonly string[]): Finding {
  return { ...told(what, found), isFault: true };
}

/** Something that may be, and is told. */
export function told(what: string, found: readonly string[] | number): Finding {
  const isNumber = typeof found === "number";
  return {
    what,
    count: isNumber ? found : found.length,
    isFault: false,
    examples: isNumber ? [] : found.slice(0, EXAMPLES),
  };
}
