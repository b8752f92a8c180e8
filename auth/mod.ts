/** Authentication: turns API keys, JWTs and sessions into principals. */

export { type ApiKey, ApiKeys, isApiKeyShaped } from "./api_keys.ts";
export { type Authenticate, bearer, createAuthenticator } from "./authenticator.ts";
export { jwtSessionId } from "./_claims.ts";
export {
  createJwtVerifier,
  type JwtOptions,
  type JwtVerifier,
  MAX_JWT_LIFETIME_MS,
} from "./jwt.ts";
export type { Session, SessionRequest } from "./_session_records.ts";
export { Sessions, type SessionsOptions } from "./sessions.ts";
