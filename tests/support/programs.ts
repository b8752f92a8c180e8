/** Programs from Debian that some tests need; where one is missing they are skipped by name. */

/** Whether a program can be run. */
export function isInstalled(
  program: string,
  args: readonly string[] = ["--version"],
): boolean {
  try {
    return new Deno.Command(program, {
      args: [...args],
      stdout: "null",
      stderr: "null",
    })
      .outputSync().success;
  } catch {
    return false;
  }
}

/** A program, and whether it is there. */
export interface Program {
  readonly name: string;
  readonly isThere: boolean;
}

/** Registers tests that need a program: `programTest(NGINX)("what holds", body)`. */
export function programTest(
  program: Program,
): (name: string, body: () => Promise<void>) => void {
  return (name, fn) =>
    Deno.test({ name: `${name} (${program.name})`, ignore: !program.isThere, fn });
}

/** The reverse proxy. */
export const NGINX = { name: "nginx", isThere: isInstalled("nginx", ["-v"]) };
/** Checks rules and alerts of Prometheus. */
export const PROMTOOL = { name: "promtool", isThere: isInstalled("promtool") };
/** Another reverse proxy. */
export const CADDY = {
  name: "caddy",
  isThere: isInstalled("caddy", ["version"]),
};
/** Checks unit files. */
export const SYSTEMD_ANALYZE = {
  name: "systemd-analyze",
  isThere: isInstalled("systemd-analyze"),
};

/** What a program did. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program is run. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string | URL;
  /** Given on standard input. */
  readonly input?: string;
}

/** Runs a program to its end. */
export async function runProgram(
  [program, ...args]: readonly [string, ...string[]],
  { env = {}, cwd, input }: RunOptions = {},
): Promise<Ran> {
  const child = new Deno.Command(program, {
    args,
    env: { NO_COLOR: "1", ...env },
    ...cwd !== undefined && { cwd },
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}
