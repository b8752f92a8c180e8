/** Reads the settings that the service needs before it can read its configuration. */

import { ServiceError } from "../core/errors.ts";

/** The settings of one node that come from environment variables. */
export interface Environment {
  readonly host: string;
  readonly port: number;
  readonly configDir: string;
  readonly store: string;
  /** A fixed admin API key. */
  readonly adminKey?: string;
  /** HS256 secret of session JWTs. */
  readonly sessionSecret?: string;
}

/** Every variable with its default. The README explains each. */
export const VARIABLES = {
  CARILLON_PORT: "8080",
  CARILLON_HOST: "0.0.0.0",
  CARILLON_CONFIG_DIR: "./conf",
  CARILLON_STORE: "kv:./data/carillon.kv",
  CARILLON_ADMIN_KEY: undefined,
  CARILLON_SESSION_SECRET: undefined,
} as const;

/**
 * Reads the environment.
 *
 * @throws {ServiceError} `invalid_configuration`; the message names the variable
 */
export function readEnvironment(variables: Readonly<Record<string, string>>): Environment {
  const value = (name: keyof typeof VARIABLES) => variables[name] || VARIABLES[name];
  const digits = value("CARILLON_PORT")!;
  const port = Number(digits);
  if (!/^\d{1,5}$/.test(digits) || port > 65_535) {
    throw new ServiceError(
      "invalid_configuration",
      `Cannot start: CARILLON_PORT must be a port number: received ${digits}`,
    );
  }
  const adminKey = value("CARILLON_ADMIN_KEY");
  const sessionSecret = value("CARILLON_SESSION_SECRET");
  return {
    host: value("CARILLON_HOST")!,
    port,
    configDir: value("CARILLON_CONFIG_DIR")!,
    store: value("CARILLON_STORE")!,
    ...(adminKey !== undefined && { adminKey }),
    ...(sessionSecret !== undefined && { sessionSecret }),
  };
}
