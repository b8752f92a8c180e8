/** Authentication: turns API keys, JWTs and sessions into principals. */

export { type ApiKey, ApiKeys, isApiKeyShaped } from "./api_keys.ts";
export {
  type Authenticate,
  bearer,
  createAuthenticator,
  type SessionsElsewhere,
} from "./authenticator.ts";
export { jwtSessionId } from "./_claims.ts";
export { createJwtVerifier, type JwtOptions, type JwtVerifier } from "./jwt.ts";
export { listSessionUsers, type Session } from "./_session_records.ts";
export { Sessions, type SessionsOptions } from "./sessions.ts";
