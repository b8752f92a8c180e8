/** nchan, the publish and subscribe module of nginx, with one worker and messages in memory. */

import { freePort } from "../../tests/support/free_port.ts";

const MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so";

interface Nchan extends AsyncDisposable {
  /** The process id of its worker. */
  readonly pid: number;
  readonly port: number;
}

/** Starts nginx; returns undefined where nginx or the module is missing. */
export async function startNchan(): Promise<Nchan | undefined> {
  if (await Deno.stat(MODULE).catch(() => undefined) === undefined) return undefined;
  const folder = await Deno.makeTempDir({ prefix: "bench_nchan_" });
  const port = freePort();
  await Deno.writeTextFile(`${folder}/nginx.conf`, configuration(folder, port));
  const child = new Deno.Command("nginx", {
    args: ["-c", `${folder}/nginx.conf`, "-e", `${folder}/error.log`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  await listening(port);
  return {
    pid: await workerOf(child.pid),
    port,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function configuration(folder: string, port: number): string {
  return `load_module ${MODULE};
daemon off;
user root;
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 100000000;
  server {
    listen 127.0.0.1:${port};
    location ~ /publish/(.+)$ {
      nchan_publisher;
      nchan_channel_id $1;
      nchan_message_buffer_length 10;
    }
    location ~ /subscribe/(.+)$ {
      nchan_subscriber websocket;
      nchan_channel_id $1;
      nchan_subscriber_first_message newest;
    }
  }
}
`;
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error("nginx does not listen");
}

async function workerOf(master: number): Promise<number> {
  const children = await Deno.readTextFile(`/proc/${master}/task/${master}/children`);
  return Number(children.trim().split(" ")[0]);
}
