/** The one error that this package throws on purpose. */

import type { components } from "./schema.ts";

/** The body of an answer that refuses a request (RFC 9457). */
export type Problem = components["schemas"]["Problem"];

/** Says that the service refused a request, or could not be reached within all attempts. */
export class CarillonError extends Error {
  override readonly name = "CarillonError";
  /** Stable code such as `invalid_topic`; `unreachable` where no answer came. */
  readonly code: string;
  /** HTTP status; 0 where no answer came. */
  readonly status: number;
  /** What is wrong with each part of the request. */
  readonly faults: NonNullable<Problem["faults"]>;

  constructor(
    message: string,
    { code, status, faults = [], cause }: {
      readonly code: string;
      readonly status: number;
      readonly faults?: NonNullable<Problem["faults"]> | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = status;
    this.faults = faults;
  }
}

/** Makes the error of an answer that is no success. Reads the answer's body. */
export async function errorOf(response: Response): Promise<CarillonError> {
  const { status } = response;
  const text = await response.text().catch(() => "");
  try {
    const { code, detail, faults } = JSON.parse(text) as Partial<Problem>;
    if (typeof code === "string") {
      return new CarillonError(detail ?? code, { code, status, faults });
    }
  } catch {
    // A proxy's answer has another body.
  }
  return new CarillonError(`The request failed with status ${status}`, { code: "http", status });
}
