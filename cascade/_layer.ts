/** One scope's settings as they are searched: by name, client and topic included. */

import type { SettingDefinition } from "./schema.ts";

/** Canonical name → setting. */
export type Layer = ReadonlyMap<string, SettingDefinition>;

/** The layer of a scope that has nothing to say. */
export const EMPTY_LAYER: Layer = new Map();
