/** The faults and warnings of a load. Faults stop it, warnings do not. Neither quotes secrets. */

import { type Fault, ServiceError } from "../core/errors.ts";
import { type FileFault, placeOf } from "../core/file_fault.ts";

/** The faults and warnings of one load. */
export interface Findings {
  readonly faults: FileFault[];
  readonly warnings: FileFault[];
}

/** Creates the error of a start with faulty configuration, with all faults. */
export function configurationError(faults: readonly FileFault[]): ServiceError {
  const first = faults[0];
  const summary = first ? `: ${placeOf(first)}: ${first.message}` : "";
  return new ServiceError("invalid_configuration", `Cannot load the configuration${summary}`, {
    faults: faults.map((fault): Fault => ({ path: placeOf(fault), message: fault.message })),
  });
}
