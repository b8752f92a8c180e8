/** Fake providers that refuse what the real ones refuse, and simulate faults on request. */

export type { SimulatorAddresses } from "./addresses.ts";
export type { ReceivedPush } from "./push_log.ts";
export { hexFaultToken } from "./fault_script.ts";
export type { Provider } from "./faults.ts";
export { createMaterial, type Material, serviceAccount } from "./material.ts";
export { type Simulator, startSimulator } from "./simulator.ts";
