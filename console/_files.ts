/** The static files of the console. */

import { Hono } from "hono";
import socketClient from "socket.io-client/dist/socket.io.js" with { type: "text" };
import onEveryPage from "./static/console.js" with { type: "text" };
import icon from "./static/icon.svg" with { type: "text" };
import now from "./static/now.js" with { type: "text" };
import style from "./static/style.css" with { type: "text" };
import tryIt from "./static/try.js" with { type: "text" };

const SCRIPT = "text/javascript; charset=utf-8";

const FILES: Readonly<Record<string, { readonly type: string; readonly text: string }>> = {
  "console.js": { type: SCRIPT, text: onEveryPage },
  "icon.svg": { type: "image/svg+xml", text: icon },
  "now.js": { type: SCRIPT, text: now },
  "socket.io.js": { type: SCRIPT, text: socketClient },
  "style.css": { type: "text/css; charset=utf-8", text: style },
  "try.js": { type: SCRIPT, text: tryIt },
};

/** Creates the routes of the files. They need no session. */
export function fileRoutes(): Hono {
  const app = new Hono();
  for (const [name, { type, text }] of Object.entries(FILES)) {
    app.get(`/${name}`, (c) => {
      c.header("content-type", type);
      c.header("cache-control", "max-age=300");
      return c.body(text);
    });
  }
  return app;
}
