/** Creates certificates for tests with OpenSSL, so that no key is committed. */

/** A private key with its certificate, in PEM. */
export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

/** Settings of {@link makeCertificate}. */
export interface CertificateOptions {
  /** @default {"/CN=localhost"} */
  readonly subject?: string;
  /** Lines of `-addext`. */
  readonly extensions?: readonly string[];
  /** @default {"ec"} */
  readonly algorithm?: "ec" | "rsa";
  /** From and until, `YYYYMMDDHHMMSSZ`; a fixed range needs an authority of its own. */
  readonly validity?: readonly [from: string, until: string];
}

/** Runs OpenSSL in a folder; fails the test with OpenSSL's message. */
export async function openssl(cwd: string, args: readonly string[]): Promise<Uint8Array> {
  const { success, stdout, stderr } = await new Deno.Command("openssl", {
    args: [...args],
    cwd,
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`openssl ${args[0]}: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}

/** Runs a body with a temporary folder that is removed afterwards. */
export async function withTempDir<T>(body: (dir: string) => Promise<T>): Promise<T> {
  const dir = await Deno.makeTempDir();
  try {
    return await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** A self-signed X.509 v3 certificate for `localhost` and 127.0.0.1. */
export function makeCertificate(options: CertificateOptions = {}): Promise<KeyPair> {
  const { subject = "/CN=localhost", extensions = [], algorithm = "ec", validity } = options;
  return withTempDir(async (dir) => {
    const newKey = algorithm === "ec"
      ? ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
      : ["-newkey", "rsa:2048"];
    const extra = [
      "basicConstraints=critical,CA:FALSE",
      "subjectAltName=DNS:localhost,IP:127.0.0.1",
      ...extensions,
    ].flatMap((line) => ["-addext", line]);
    const base = ["req", ...newKey, "-nodes", "-keyout", "key.pem", "-subj", subject, ...extra];
    if (validity) {
      await openssl(dir, [...base, "-new", "-out", "req.pem"]);
      await Deno.writeTextFile(`${dir}/index`, "");
      await Deno.writeTextFile(`${dir}/ca.cnf`, CA_CONFIG);
      const [from, until] = validity;
      const ca = ["ca", "-batch", "-config", "ca.cnf", "-selfsign", "-keyfile", "key.pem"];
      const range = ["-startdate", from, "-enddate", until];
      await openssl(dir, [...ca, ...range, "-in", "req.pem", "-out", "cert.pem", "-notext"]);
    } else {
      await openssl(dir, [...base, "-x509", "-days", "2", "-out", "cert.pem"]);
    }
    return {
      key: await Deno.readTextFile(`${dir}/key.pem`),
      cert: await Deno.readTextFile(`${dir}/cert.pem`),
    };
  });
}

const CA_CONFIG = `[ca]
default_ca = here
[here]
database = index
new_certs_dir = .
default_md = sha256
rand_serial = yes
policy = any
copy_extensions = copy
[any]
commonName = optional
userId = optional
`;
