/** Set-ups whose proxy is wrong on purpose. */

import assert from "node:assert/strict";
import { startNginx } from "../support/nginx.ts";
import { NGINX, programTest } from "../support/programs.ts";
import { assertFinds, codesOf, startSetUp } from "./_set_up.ts";

Deno.test("an origin that is not listed is an error", async () => {
  await using setUp = await startSetUp();
  const found = await setUp.examine({ origin: "https://mail.example.com" });
  assertFinds(found, "origin_refused", {
    says: /mail\.example\.com/,
    advises: /allowedOrigins/,
  });
});

Deno.test("a proxy that breaks off what follows /livez is named, and does not end the doctor", async () => {
  await using setUp = await startSetUp();
  const found = await setUp.examine({
    fetch: (input, init) =>
      new URL(String(input)).pathname === "/v1/sessions"
        ? Promise.reject(new TypeError("connection reset"))
        : fetch(input, init),
  });
  assertFinds(found, "service_unreachable", { says: /connection reset/, advises: /--url/ });
});

const PASSED = `proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection "upgrade";`;

programTest(NGINX)("a proxy that drops Upgrade is an error", async () => {
  await using setUp = await startSetUp();
  await using proxy = await startNginx((port) =>
    `server { listen 127.0.0.1:${port}; location / {
    proxy_pass ${setUp.providers.service.address};
    proxy_set_header Host $http_host;
  } }`
  );
  const found = await setUp.examine({ address: proxy.address });
  assertFinds(found, "proxy_drops_upgrade", {
    says: /\/socket\.io\/ with \d+, \/v1\/socket with \d+ instead of 101/,
    advises: /HTTP\/1\.1/,
  });
});

programTest(NGINX)("a proxy that drops Upgrade for plain WebSockets only is an error", async () => {
  await using setUp = await startSetUp();
  const pass = `proxy_pass ${setUp.providers.service.address};`;
  await using proxy = await startNginx((port) =>
    `server { listen 127.0.0.1:${port};
    location / { ${pass} proxy_set_header Host $http_host; }
    location /socket.io/ { ${pass} proxy_set_header Host $http_host; ${PASSED} }
  }`
  );
  const found = await setUp.examine({ address: proxy.address });
  assertFinds(found, "proxy_drops_upgrade", {
    says: /handshakes at \/v1\/socket with \d+ instead/,
    advises: /\/v1\/socket/,
  });
});

/** nginx passes chunks on as they come even while it buffers, unless one of these is added. */
const BUFFERING = {
  "over HTTP/1.0": "proxy_http_version 1.0;",
  "and compresses": "proxy_http_version 1.1; gzip on; gzip_types text/event-stream; " +
    "gzip_min_length 0; gzip_proxied any;",
};

for (const [how, more] of Object.entries(BUFFERING)) {
  programTest(NGINX)(`a proxy that buffers streams ${how} is an error`, async () => {
    await using setUp = await startSetUp();
    const pass = `proxy_pass ${setUp.providers.service.address}; proxy_set_header Host $http_host;`;
    await using proxy = await startNginx((port) =>
      `server { listen 127.0.0.1:${port};
      location / { ${pass} ${PASSED} }
      location /v1/stream {
        ${pass} proxy_buffering on; proxy_ignore_headers X-Accel-Buffering; ${more}
      }
    }`
    );
    const found = await setUp.examine({ address: proxy.address });
    assertFinds(found, "proxy_buffers_stream", {
      says: /first event did not come within 3\.0 s/,
      advises: /X-Accel-Buffering/,
    });
  });
}

programTest(NGINX)("nginx that may buffer does not, as the service asks", async () => {
  await using setUp = await startSetUp();
  await using proxy = await startNginx((port) =>
    `server { listen 127.0.0.1:${port}; location / {
    proxy_pass ${setUp.providers.service.address};
    proxy_set_header Host $http_host;
    proxy_buffering on;
    ${PASSED}
  } }`
  );
  assert.deepEqual(await setUp.examine({ address: proxy.address }), []);
});

Deno.test("a proxy that passes on the first event and keeps the next ones is an error", async () => {
  await using setUp = await startSetUp({
    properties: { "io.carillon.websocket.pingInterval": 500 },
  });
  const { address } = setUp.providers.service;
  // What a scanner does that looks at an answer in lumps.
  const found = await setUp.examine({
    idle: true,
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      if (!String(input).startsWith(`${address}/v1/stream`)) return response;
      const reader = response.body!.getReader();
      const body = new ReadableStream<Uint8Array>({
        async start(controller) {
          controller.enqueue((await reader.read()).value!);
        },
        cancel: () => reader.cancel(),
      });
      return new Response(body, { headers: response.headers });
    },
  });
  assertFinds(found, "proxy_buffers_stream", {
    says: /what follows the first event did not come within 2\.5 s/,
    advises: /receiving\.md/,
  });
});

programTest(NGINX)("a proxy that changes Host is an error", async () => {
  await using setUp = await startSetUp();
  await using proxy = await startNginx((port) =>
    `server { listen 127.0.0.1:${port}; location / {
    proxy_pass ${setUp.providers.service.address};
    ${PASSED}
  } }`
  );
  const found = await setUp.examine({ address: proxy.address });
  assertFinds(found, "proxy_changes_host", {
    says: /origin/,
    advises: /\$http_host/,
  });
});

programTest(NGINX)(
  "a proxy that closes silent sockets before the ping is an error",
  async () => {
    await using setUp = await startSetUp({
      properties: { "io.carillon.websocket.pingInterval": 3_000 },
    });
    await using proxy = await startNginx((port) =>
      `server { listen 127.0.0.1:${port}; location / {
    proxy_pass ${setUp.providers.service.address};
    proxy_set_header Host $http_host;
    proxy_read_timeout 1s;
    ${PASSED}
  } }`
    );
    const found = await setUp.examine({ address: proxy.address, idle: true });
    assert.deepEqual(codesOf(found), ["proxy_closes_idle", "proxy_closes_idle"]);
    assert.match(found[0]!.what, /silent socket after [12]\.\d s/);
    assert.match(found[1]!.what, /stream ends within/);
    for (const { do: todo } of found) assert.match(todo, /proxy_read_timeout/);
  },
);
