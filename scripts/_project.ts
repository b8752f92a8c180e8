/** Where things are in the tree, for the project's own checks. Nothing here reads a file. */

/** The project's root as a path with a slash at its end. */
export const ROOT = decodeURIComponent(new URL("..", import.meta.url).pathname);

/** The path of a file within the project, with `/` between its parts. */
export function inProject(path: string): string {
  const normal = path.replaceAll("\\", "/");
  return normal.startsWith(ROOT) ? normal.slice(ROOT.length) : normal;
}

/** The top-level folder of a file within the project; empty for files at the root. */
export function folderOf(path: string): string {
  const slash = path.indexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}
