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

/** Returns `file:line:column`, as compilers print it. */
export function placeOf({ file, line, column }: Omit<FileFault, "message">): string {
  return `${file}:${line}:${column}`;
}
