/** The permission to write that a command needs, as one argument of `deno run`. */

/** An argument, or why there can be none. */
type WritePermission =
  | { readonly ok: true; readonly flag: string }
  | { readonly ok: false; readonly message: string };

/** Permission for one folder and what is in it, or for nothing. */
export function writePermission(
  folder: string | undefined,
  variable: string,
): WritePermission {
  if (folder === undefined) return { ok: true, flag: "--deny-write" };
  // Deno takes a comma for the end of a path and has no way to escape it.
  if (folder.includes(",")) {
    return {
      ok: false,
      message: `Cannot start: ${variable} names a folder with a comma, ` +
        "for which Deno can give no permission; choose another folder",
    };
  }
  return { ok: true, flag: `--allow-write=${folder}` };
}
