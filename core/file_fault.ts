/** Faults in configuration files, with their places. */

/** A position in a text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One fault or warning with its place. */
export interface FileFault extends Position {
  /** Path below the configuration folder, or `environment`. */
  readonly file: string;
  readonly message: string;
}

/** Returns the place in the origin of a setting, which is `file:line:column` or a word. */
export function placeOfSource(source: string): Omit<FileFault, "message"> {
  const [, file = source, line = "1", column = "1"] = /^(.*):(\d+):(\d+)$/.exec(source) ?? [];
  return { file, line: Number(line), column: Number(column) };
}

/** Returns `file:line:column`, as compilers print it. */
export function placeOf({ file, line, column }: Omit<FileFault, "message">): string {
  return `${file}:${line}:${column}`;
}
