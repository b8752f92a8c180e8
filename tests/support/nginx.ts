/** An nginx in front of a service, with little more than its defaults. */

import { freePort } from "./free_port.ts";
import { NGINX } from "./optional_programs.ts";
import { until } from "./until.ts";

/** A running proxy. */
export interface Nginx extends AsyncDisposable {
  /** E.g. `http://127.0.0.1:12345`. */
  readonly address: string;
}

/** How nginx is started. */
interface NginxOptions {
  /** Further lines for the location of the service. */
  readonly location?: string;
  /** `host:port` of what is served below `/page/`. */
  readonly pages?: string;
  /** @default {any free one} */
  readonly port?: number;
}

/** Starts nginx in front of `target`, as `host:port`. */
export async function startNginx(
  target: string,
  { location = "", pages, port = freePort() }: NginxOptions = {},
): Promise<Nginx> {
  const folder = await Deno.makeTempDir({ prefix: "carillon_nginx_" });
  const config = `daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server {
    listen 127.0.0.1:${port};
    ${pages === undefined ? "" : `location /page/ { proxy_pass http://${pages}/; }`}
    location / {
      proxy_pass http://${target};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      ${location}
    }
  }
}`;
  await Deno.writeTextFile(`${folder}/nginx.conf`, config);
  const process = new Deno.Command(NGINX!, {
    args: ["-c", `${folder}/nginx.conf`, "-p", folder],
    ...{ stdin: "null", stdout: "null", stderr: "null" },
  }).spawn();
  await until("nginx listens", async () => {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return true;
    } catch {
      return undefined;
    }
  });
  return {
    address: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      process.kill("SIGTERM");
      await process.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}
