/**
 * What can be wrong with configuration text and where. Faults stop a load, warnings do not; both
 * look alike. A fault never quotes a secret.
 */

import { type Fault, ServiceError } from "../core/errors.ts";

/** A place in a text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One fault or warning, with the place an operator has to look at. */
export interface ConfigFault extends Position {
  /** Path below the configuration folder, or `environment`. */
  readonly file: string;
  readonly message: string;
}

/** What a load collects on its way through the files. */
export interface Findings {
  readonly faults: ConfigFault[];
  readonly warnings: ConfigFault[];
}

/** `file:line:column`, as editors and compilers write it. */
export function placeOf({ file, line, column }: Omit<ConfigFault, "message">): string {
  return `${file}:${line}:${column}`;
}

/** The error that a start with faulty configuration ends in; every fault is listed in it. */
export function configurationError(faults: readonly ConfigFault[]): ServiceError {
  const first = faults[0];
  const summary = first ? `: ${placeOf(first)}: ${first.message}` : "";
  return new ServiceError("invalid_configuration", `Cannot load the configuration${summary}`, {
    faults: faults.map((fault): Fault => ({ path: placeOf(fault), message: fault.message })),
  });
}
