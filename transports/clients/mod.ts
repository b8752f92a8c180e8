/** What all transports need to configure their clients and to send with OAuth2 tokens. */

export type { ClientDeps } from "./client_deps.ts";
export {
  ClientConfigError,
  ClientSet,
  type ConfiguredClient,
  type PreparedClient,
} from "./client_set.ts";
export { type FileAccess, readCaFile, readConfigFile, yamlFlag } from "./config_files.ts";
export {
  createAccessTokenCache,
  readTokenAnswer,
  type StaleTokenAnswer,
  withAccessToken,
} from "./oauth_token.ts";
export { readKeyOf, withLineBreaks } from "./private_key.ts";
