/** Who is asking: API keys, JWTs and sessions become principals. */

export { type ApiKey, ApiKeys, isApiKeyShaped } from "./api_keys.ts";
export { type Authenticate, bearer, createAuthenticator } from "./authenticator.ts";
export { jwtSessionId } from "./_claims.ts";
export {
  createJwtVerifier,
  type JwtOptions,
  type JwtVerifier,
  MAX_JWT_LIFETIME_MS,
} from "./jwt.ts";
export { type Session, type SessionRequest, Sessions, type SessionsOptions } from "./sessions.ts";
