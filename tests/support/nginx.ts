/** A real nginx in front of a service, with a configuration of the test's. */

import { freePort } from "./free_port.ts";
import { until } from "./until.ts";

/** A running proxy. */
export interface Nginx extends AsyncDisposable {
  readonly address: string;
}

/** Starts nginx with `http { … }` around what `http` makes of the port that it is to listen at. */
export async function startNginx(
  http: (port: number) => string,
  port = freePort(),
): Promise<Nginx> {
  const folder = await Deno.makeTempDir({ prefix: "nginx_" });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${folder}/${name};`).join("\n");
  await Deno.writeTextFile(
    `${folder}/nginx.conf`,
    `daemon off;\nworker_processes 1;\npid ${folder}/pid;\nerror_log ${folder}/error.log;\n` +
      `events { worker_connections 256; }\nhttp {\n${temporary}\n  access_log off;\n${
        http(port)
      }\n}\n`,
  );
  const child = new Deno.Command("nginx", {
    args: [
      "-p",
      folder,
      "-c",
      `${folder}/nginx.conf`,
      "-e",
      `${folder}/error.log`,
    ],
    ...{ stdin: "null", stdout: "null", stderr: "null" },
  }).spawn();
  let hasEnded = false;
  void child.status.then(() => hasEnded = true);
  await until("nginx listens", async () => {
    if (hasEnded) {
      throw new Error(await Deno.readTextFile(`${folder}/error.log`));
    }
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return true;
    } catch {
      return false;
    }
  });
  return {
    address: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      if (!hasEnded) child.kill("SIGTERM");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}
