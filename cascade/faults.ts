/**
 * Faults and warnings about configuration, with their places. Faults stop a load, warnings do not. A
 * fault never quotes a secret.
 */

import { type Fault, ServiceError } from "../core/errors.ts";

/** A place in a text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One fault or warning with its place. */
export interface ConfigFault extends Position {
  /** Path below the configuration folder, or `environment`. */
  readonly file: string;
  readonly message: string;
}

/** The faults and warnings of one load. */
export interface Findings {
  readonly faults: ConfigFault[];
  readonly warnings: ConfigFault[];
}

/** Returns `file:line:column`, as compilers print it. */
export function placeOf({ file, line, column }: Omit<ConfigFault, "message">): string {
  return `${file}:${line}:${column}`;
}

/** Creates the error of a start with faulty configuration, with all faults. */
export function configurationError(faults: readonly ConfigFault[]): ServiceError {
  const first = faults[0];
  const summary = first ? `: ${placeOf(first)}: ${first.message}` : "";
  return new ServiceError("invalid_configuration", `Cannot load the configuration${summary}`, {
    faults: faults.map((fault): Fault => ({ path: placeOf(fault), message: fault.message })),
  });
}
