/**
 * The configuration cascade: what is configured, for whom, why, and how it changes while the
 * service runs.
 */

export {
  type AttributeValue,
  type ContextInput,
  type ContextPatch,
  type ContextRecord,
  type UserInput,
  type UserPatch,
  type UserRecord,
} from "./_attribute_records.ts";
export { Attributes, type AttributesOptions, type AttributeUser } from "./attributes.ts";
export {
  Cascade,
  type CascadeOptions,
  type ReloadResult,
  startCascade,
  type SwapListener,
} from "./cascade.ts";
export { type ClientOptions, OPTIONS_FILES, parseClientOptions } from "./client_options.ts";
export {
  type ConfigFiles,
  createMemoryConfigFiles,
  type MemoryConfigFiles,
} from "./config_files.ts";
export { isConfigurationFile, isOurFile } from "./configuration.ts";
export { createDenoConfigFiles } from "./deno_config_files.ts";
export { type ConfigFault, placeOf, type Position } from "./faults.ts";
export { effectless, ORIGINAL_PROPERTIES, type OriginalProperty } from "./original_properties.ts";
export { pushClientOptions, type PushClients, readPushClients } from "./push_client_config.ts";
export { type ConfigurationReview, reviewConfiguration } from "./review.ts";
export { type Resolution, type TrailStep } from "./resolve.ts";
export {
  ENABLED_KEYS,
  entries as schemaEntries,
  type Key,
  KEYS,
  type ValueOf,
  variableName,
} from "./schema.ts";
export { type Settings } from "./settings.ts";
export { Snapshot } from "./snapshot.ts";
export { View } from "./view.ts";
export {
  parseWebsocketClients,
  type WebsocketClient,
  type WebsocketClients,
} from "./websocket_clients.ts";
export {
  issueFaults,
  type ParsedYaml,
  parseYamlFile,
  type Part,
  yamlFault,
  type YamlFile,
  type YamlPath,
} from "./yaml_file.ts";
