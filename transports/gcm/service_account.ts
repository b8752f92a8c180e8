/**
 * Reads a Google service account file and rejects similar files. Its token address is not trusted,
 * because the file may come from anyone: signed assertions go to Google or to where the operator
 * says.
 * https://developers.google.com/identity/protocols/oauth2/service-account
 */

import { createHash } from "node:crypto";
import { type CryptoKey, importPKCS8, SignJWT } from "jose";
import { readKeyOf } from "../clients/mod.ts";
import { isJsonObject, type JsonObject } from "../../core/json.ts";

/** What an assertion needs. */
export interface ServiceAccount {
  readonly email: string;
  readonly keyId?: string;
  readonly privateKey: CryptoKey;
  /** Derived from the key; reveals nothing about it. */
  readonly keyDigest: string;
  readonly projectId: string;
  /** The file's `token_uri`: the audience of the assertion. */
  readonly tokenUri: string;
}

/** A file that cannot be used. The message contains no secret. */
export class ServiceAccountError extends Error {
  override readonly name = "ServiceAccountError";
}

/** The host that receives assertions unless the operator names another. */
const TOKEN_HOST = "oauth2.googleapis.com";
const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";
/** The longest lifetime that Google accepts. */
const ASSERTION_SECONDS = 3600;

interface ServiceAccountOverrides {
  readonly projectId?: string;
  /** A token address is configured, so the file's own receives nothing. */
  readonly tokenAddressSet: boolean;
}

/**
 * Reads the account from a file's text.
 *
 * @throws {ServiceAccountError} where the text is not a usable service account.
 */
export async function readServiceAccount(
  json: string,
  overrides: ServiceAccountOverrides,
): Promise<ServiceAccount> {
  const file = parse(json);
  checkType(file);
  const projectId = overrides.projectId ?? field(file, "project_id");
  const tokenUri = field(file, "token_uri");
  if (!overrides.tokenAddressSet) checkTokenUri(tokenUri);
  const keyId = file.private_key_id;
  const pem = field(file, "private_key");
  return {
    email: field(file, "client_email"),
    ...(typeof keyId === "string" && keyId !== "" ? { keyId } : {}),
    privateKey: await importKey(pem),
    keyDigest: createHash("sha256").update(pem).digest("base64url"),
    projectId,
    tokenUri,
  };
}

/** Signs the assertion (RFC 7523), valid for an hour from `nowMs` (epoch milliseconds). */
export function signAssertion(account: ServiceAccount, nowMs: number): Promise<string> {
  const issuedAt = Math.floor(nowMs / 1000);
  return new SignJWT({ scope: SCOPE })
    .setProtectedHeader({
      alg: "RS256",
      typ: "JWT",
      ...account.keyId !== undefined && { kid: account.keyId },
    })
    .setIssuer(account.email)
    .setAudience(account.tokenUri)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ASSERTION_SECONDS)
    .sign(account.privateKey);
}

function parse(json: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // The parser's own message quotes the text, which contains a private key.
    throw new ServiceAccountError("is not valid JSON");
  }
  if (!isJsonObject(value)) throw new ServiceAccountError("is not a JSON object");
  return value;
}

function checkType(file: JsonObject): void {
  if (file.type === "service_account") return;
  if (file.project_info !== undefined && file.client !== undefined) {
    throw new ServiceAccountError(
      "is the app's google-services.json; a service account key is needed " +
        "(Firebase console, Project settings, Service accounts)",
    );
  }
  const type = typeof file.type === "string" && /^\w{1,40}$/.test(file.type) ? file.type : "none";
  throw new ServiceAccountError(`must have the type service_account; its type is ${type}`);
}

function field(file: JsonObject, name: string): string {
  const value = file[name];
  if (typeof value === "string" && value !== "") return value;
  throw new ServiceAccountError(`lacks the field ${name}`);
}

function checkTokenUri(tokenUri: string): void {
  const url = URL.parse(tokenUri);
  if (url?.protocol === "https:" && url.host === TOKEN_HOST && !url.username) return;
  throw new ServiceAccountError(
    `names a token_uri that is not on https://${TOKEN_HOST}; set 'tokenaddress' if this is intended`,
  );
}

async function importKey(pem: string): Promise<CryptoKey> {
  const read = readKeyOf("RSA", pem);
  if (read.kind === "fault") {
    throw new ServiceAccountError(`has a private_key that is not an RSA key: it ${read.message}`);
  }
  try {
    return await importPKCS8(read.pkcs8, "RS256");
  } catch {
    throw new ServiceAccountError("has a private_key that is not an RSA key usable for RS256");
  }
}
