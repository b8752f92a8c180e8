/** Structured logs: one JSON object per line. Fields that may hold secrets or payloads are redacted. */

import pino from "pino";

/** Fields of a log line. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The port for logging. Messages are constant; values that vary go into fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Returns a logger that adds these fields to every line. */
  with(fields: LogFields): Log;
}

/** Levels, least important first. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
type LogLevel = typeof LOG_LEVELS[number];

/** Fields that are redacted, at the top level and one level below. */
const SECRETS = [
  "token",
  "sourceToken",
  "session",
  "secret",
  "password",
  "key",
  "apiKey",
  "authorization",
  "cookie",
  "data",
  "payload",
  "title",
  "body",
  "subject",
  "teaser",
  "endpoint",
];

/** Settings of {@link createLog}. */
export interface LogOptions {
  /** @default {"info"} */
  readonly level?: LogLevel;
  /** Takes each line, with its newline. */
  readonly write: (line: string) => void;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Creates a logger that passes JSON lines to `write`. */
export function createLog({ level = "info", write, now }: LogOptions): Log {
  const logger = pino({
    level,
    base: null,
    messageKey: "message",
    timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: "[redacted]" },
  }, { write });
  return wrap(logger);
}

/** A logger that discards everything. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLog,
};

function wrap(logger: pino.Logger): Log {
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    with: (fields) => wrap(logger.child(fields)),
  };
}
