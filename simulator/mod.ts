/** Fake providers that refuse what the real ones refuse, and simulate faults on request. */

export type { SimulatorAddresses } from "./addresses.ts";
export type { PushLog, ReceivedPush } from "./push_log.ts";
export { openAes128gcm } from "./aes128gcm.ts";
export type { ApnsSettings } from "./fakes.ts";
export { faultToken, hexFaultToken } from "./fault_script.ts";
export type { Faults, Provider } from "./faults.ts";
export { createMaterial, type Material, serviceAccount } from "./material.ts";
export { sampleConfiguration } from "./sample_configuration.ts";
export type { Samples } from "./samples.ts";
export { type Simulator, startSimulator } from "./simulator.ts";
