/** What the exit code of the command line says. Scripts rely on these numbers. */

/** Name → number and meaning. `docs/cli.md` has the same table. */
export const EXIT_CODES = {
  ok: { code: 0, text: "The command did what it says" },
  failed: { code: 1, text: "The command failed, `doctor` found an error, or a start would fail" },
  usage: { code: 2, text: "The command line is wrong, or a variable that it needs is not set" },
  unreachable: { code: 3, text: "The service does not answer" },
  refused: { code: 4, text: "The service refuses the credential: 401 or 403" },
  notFound: { code: 5, text: "The service does not know what was asked for: 404" },
  warnings: {
    code: 6,
    text: "`doctor` found warnings and no error, or `config check` clients that are left out",
  },
} as const;

/** The name of an exit code. */
export type Exit = keyof typeof EXIT_CODES;

/** Thrown by a command that cannot go on; the message is for the person at the terminal. */
export class CliError extends Error {
  override readonly name = "CliError";

  constructor(readonly exit: Exclude<Exit, "ok">, message: string) {
    super(message);
  }
}
