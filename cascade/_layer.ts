/** One scope's settings as they are searched: by name, client and topic included. */

import type { Setting } from "./schema.ts";

/** Canonical name → setting. */
export type Layer = ReadonlyMap<string, Setting>;

/** The layer of a scope that has nothing to say. */
export const EMPTY_LAYER: Layer = new Map();
