/** An nginx in front of a service with little more than its defaults, and pages beside it. */

import { freePort } from "./free_port.ts";
import { type Nginx, startNginx } from "./nginx.ts";

/** Passes everything on to `target`, and what is below `/page/` to `pages`; both are `host:port`. */
export function startProxy(
  target: string,
  { pages, port = freePort() }: { readonly pages: string; readonly port?: number },
): Promise<Nginx> {
  return startNginx(
    (port) => `
  server {
    listen 127.0.0.1:${port};
    location /page/ { proxy_pass http://${pages}/; }
    location / {
      proxy_pass http://${target};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
    }
  }`,
    port,
  );
}
