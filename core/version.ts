/** The version of the service. `deno.json` has the same one; a test compares the two. */
export const VERSION = "0.1.0";
