// deno-lint-ignore-file no-console -- a command answers on the terminal
/** Writes `clients/js/src/schema.ts` from the OpenAPI document of this version: `deno task client`. */

import { clientTypes, TYPES_FILE } from "./_client_types.ts";

await Deno.writeTextFile(TYPES_FILE, await clientTypes());
console.log(`wrote ${TYPES_FILE.pathname}`);
