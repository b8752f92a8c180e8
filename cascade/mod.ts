/** The configuration cascade: settings by scope, their resolution with its trail, and reloads. */

export { type ContextRecord, type UserRecord } from "./_attribute_records.ts";
export { type AttributeRecords, Attributes } from "./attributes.ts";
export { Cascade, type ReloadResult, startCascade } from "./cascade.ts";
export { OPTIONS_FILES, parseClientOptions } from "./client_options.ts";
export { type ContextSetsExplanation } from "./context_sets.ts";
export { type ConfigFiles, createDenoConfigFiles } from "./deno_config_files.ts";
export { loadConfiguration } from "./load_configuration.ts";
export { ORIGINAL_PROPERTIES } from "./original_properties.ts";
export { type PushClients, readPushClients } from "./push_client_config.ts";
export { type ConfigurationReview, reviewConfiguration } from "./review.ts";
export { type TrailStep } from "./resolve.ts";
export { ENABLED_KEYS, entries as schemaEntries, variableName } from "./schema.ts";
export { type Settings } from "./settings.ts";
export { Snapshot } from "./snapshot.ts";
export {
  type ConfiguredTransport,
  readTransportClients,
  type TransportClients,
} from "./transport_clients.ts";
export { View } from "./view.ts";
export { parseWebsocketClients, type WebsocketClient } from "./websocket_clients.ts";
export { issueFaults, parseYamlFile, type YamlFile } from "./yaml_file.ts";
