/** Who is asking: API keys, JWTs and sessions become principals. */

export {
  type ApiKey,
  type ApiKeyRequest,
  ApiKeys,
  type ApiKeysOptions,
  isApiKeyShaped,
} from "./api_keys.ts";
export {
  type Authenticate,
  type AuthenticatorOptions,
  bearer,
  createAuthenticator,
  MAX_CREDENTIAL_LENGTH,
  type SessionsElsewhere,
} from "./authenticator.ts";
export { jwtSessionId } from "./_claims.ts";
export {
  createJwtVerifier,
  type JwtOptions,
  type JwtVerifier,
  MAX_JWT_LIFETIME_MS,
  type VerifiedJwt,
} from "./jwt.ts";
export { type Session, type SessionRequest, Sessions, type SessionsOptions } from "./sessions.ts";
