/** Reads the options and files of a client, with errors that an operator can act on. */

import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import type { SharedTokens } from "../../core/shared_tokens.ts";
import { readYamlBoolean } from "../../core/yaml_boolean.ts";
import { ClientConfigError } from "./client_set.ts";
import { withLineBreaks } from "./private_key.ts";

/** @throws {ClientConfigError} naming the file and why it cannot be read. */
export async function readConfigFile<Content>(
  read: (path: string) => Promise<Content>,
  path: string,
): Promise<Content> {
  try {
    return await read(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new ClientConfigError("does not exist", path);
    if (
      error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable
    ) {
      throw new ClientConfigError("may not be read by this service", path);
    }
    throw new ClientConfigError("cannot be read", path);
  }
}

/** How files are read and certificates are checked. */
export interface FileAccess {
  readonly readTextFile: (path: string) => Promise<string>;
  readonly createHttpClient: (options: Deno.CreateHttpClientOptions) => Deno.HttpClient;
}

/** What a transport and its clients need that send with the runtime's `fetch`. */
export interface ClientDeps extends FileAccess {
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  /** Where nodes share access tokens. Absent: this node requests its own. */
  readonly sharedTokens?: SharedTokens;
}

/**
 * Reads the certificate authorities of a client; none where no file is set.
 *
 * @throws {ClientConfigError} where the file cannot be read or contains no usable PEM certificate.
 */
export async function readCaFile(
  { readTextFile, createHttpClient }: FileAccess,
  path: string | undefined,
): Promise<string[]> {
  if (path === undefined) return [];
  const pem = withLineBreaks(await readConfigFile(readTextFile, path));
  const caCerts = pem.match(CERTIFICATE) ?? [];
  if (caCerts.length === 0) throw new ClientConfigError("contains no PEM certificate", path);
  try {
    createHttpClient({ caCerts }).close();
  } catch {
    throw new ClientConfigError("contains a certificate that cannot be read", path);
  }
  return caCerts;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** A text of at least one character. */
export const entryText = z.string().trim().min(1);

/** A text in which a check finds no fault. */
export function faultlessText(faultOf: (text: string) => string | undefined): typeof entryText {
  return entryText.superRefine((text, context) => {
    const fault = faultOf(text);
    if (fault !== undefined) context.addIssue(fault);
  });
}

/** Accepts a boolean, or a text that YAML 1.1 reads as one, such as `yes` and `off`. */
export const yamlFlag = z.union([z.boolean(), z.string()]).transform((value, context): boolean => {
  const read = typeof value === "boolean" ? value : readYamlBoolean(value);
  if (read !== undefined) return read;
  context.addIssue("must be true or false");
  return z.NEVER;
});
