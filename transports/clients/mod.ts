/** What all transports need to configure their clients and to send with OAuth2 tokens. */

export {
  ClientConfigError,
  ClientSet,
  type ConfiguredClient,
  type PreparedClient,
} from "./client_set.ts";
export {
  type ClientDeps,
  entryText,
  faultlessText,
  type FileAccess,
  readCaFile,
  readConfigFile,
  yamlFlag,
} from "./config_files.ts";
export { AccessTokens, readTokenAnswer, type StaleTokenAnswer } from "./oauth_token.ts";
export { readKeyOf, withLineBreaks } from "./private_key.ts";
