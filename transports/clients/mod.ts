/** What every transport needs to keep its clients configured, and to send with OAuth2 tokens. */

export { flag } from "./flag.ts";
export {
  ClientConfigError,
  ClientSet,
  type ConfiguredClient,
  type PreparedClient,
} from "./client_set.ts";
export { type FileAccess, readCaFile, readConfigFile } from "./config_files.ts";
export { readTokenAnswer } from "./oauth_token.ts";
export { readKeyOf, readPrivateKey, withLineBreaks } from "./private_key.ts";
export { type StaleTokenAnswer, withAccessToken } from "./with_token.ts";
