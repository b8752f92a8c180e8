/**
 * The errors that this service throws on purpose. Anything else that is thrown is a bug or a broken
 * dependency. Clients switch on `code`, never on the message.
 */

/** Every code with its HTTP status, its title, and the original's number where it has one. */
export const ERRORS = {
  invalid_request: { status: 400, title: "The request is malformed" },
  invalid_topic: { status: 400, title: "The topic is invalid", pns: "PNS-0007" },
  invalid_token: { status: 400, title: "The token is not an address of this transport" },
  unknown_transport: { status: 400, title: "There is no such transport", pns: "PNS-0005" },
  unauthenticated: { status: 401, title: "A valid credential is needed" },
  forbidden: { status: 403, title: "The credential does not allow this", pns: "PNS-0012" },
  foreign_origin: { status: 403, title: "This origin is not allowed" },
  subscription_denied: { status: 403, title: "The subscription is denied", pns: "PNS-0012" },
  not_found: { status: 404, title: "The resource does not exist" },
  method_not_allowed: { status: 405, title: "The method is not allowed here" },
  request_timeout: { status: 408, title: "The request took too long to arrive" },
  conflict: { status: 409, title: "The resource was changed at the same time" },
  idempotency_conflict: { status: 409, title: "The same idempotency key is being processed" },
  replayed: { status: 409, title: "This webhook was received before" },
  payload_too_large: { status: 413, title: "The payload is too large", pns: "PNS-0010" },
  unsupported_media_type: { status: 415, title: "The body must be JSON" },
  idempotency_mismatch: { status: 422, title: "The idempotency key was used with another body" },
  invalid_configuration: { status: 422, title: "The configuration is invalid" },
  too_many_subscriptions: { status: 429, title: "Too many subscriptions", pns: "PNS-0013" },
  too_many_requests: { status: 429, title: "Too many requests" },
  internal: { status: 500, title: "The service failed unexpectedly", pns: "PNS-0001" },
  buffer_full: { status: 503, title: "The buffer is full" },
  draining: { status: 503, title: "This node is shutting down" },
  not_configured: { status: 503, title: "This feature is not configured" },
  middleware_unavailable: {
    status: 503,
    title: "The Open-Xchange middleware cannot be reached",
    pns: "PNS-0002",
  },
  store_damaged: { status: 503, title: "The data file is damaged" },
  store_unavailable: { status: 503, title: "The store cannot be reached", pns: "PNS-0002" },
} as const satisfies Record<string, { status: number; title: string; pns?: string }>;

/** Stable name of an error. */
export type ErrorCode = keyof typeof ERRORS;

/** One fault within a request or a file. */
export interface Fault {
  /** The place of the fault, e.g. `notifications[3].topic`. */
  readonly path: string;
  readonly message: string;
  /** Set where it differs from the code of the error. */
  readonly code?: ErrorCode;
}

interface ServiceErrorOptions {
  readonly faults?: readonly Fault[];
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** The one class of errors that are thrown on purpose. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly code: ErrorCode;
  readonly faults: readonly Fault[];
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: ServiceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.faults = options.faults ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** The HTTP status of the code. */
  get status(): number {
    return ERRORS[this.code].status;
  }
}

/**
 * Refuses what has faults, if there are any; the message names the first of them.
 *
 * @throws {ServiceError} `invalid_request`, or the given code, with all faults
 */
export function refuseFaults(
  what: string,
  faults: readonly Fault[],
  code: ErrorCode = "invalid_request",
): void {
  const [first] = faults;
  if (first === undefined) return;
  throw new ServiceError(code, `${what}: ${first.path}: ${first.message}`, { faults });
}

/** Returns the message of anything that was thrown, at most `maxLength` characters of it. */
export function messageOf(thrown: unknown, maxLength = 1024): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}
