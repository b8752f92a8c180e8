import assert from "node:assert/strict";
import { pathFilterFault } from "../../core/path_filter.ts";
import { clientAt, isSocketPath } from "../../realtime/_paths.ts";

Deno.test("a path filter covers itself and what is below, not what merely begins the same", () => {
  const paths = [{ client: "a", path: "/x/*" }, { client: "b", path: "/y" }];
  assert.equal(clientAt(paths, "/x"), "a");
  assert.equal(clientAt(paths, "/x/"), "a");
  assert.equal(clientAt(paths, "/x/deep/er"), "a");
  assert.equal(clientAt(paths, "/xy"), undefined);
  assert.equal(clientAt(paths, "/y/"), "b");
  assert.equal(clientAt(paths, "/y/z"), undefined);
});

Deno.test("'*' serves every path of sockets and takes none of the API's", () => {
  const paths = [{ client: "a", path: "/push/*" }, {
    client: "all",
    path: "*",
  }];
  assert.equal(clientAt(paths, "/socket.io/anything/"), "all");
  assert.equal(clientAt(paths, "/push/x"), "a");
  for (const path of ["/socket.io", "/socket.io/x", "/push"]) {
    assert.ok(isSocketPath(paths, path));
  }
  for (const path of ["/v1/notifications", "/socket.iox"]) {
    assert.ok(!isSocketPath(paths, path));
  }
});

Deno.test("malformed path filters are recognized", () => {
  for (const good of ["/socket.io/appsuite/*", "/x", "/a-b/c_d"]) {
    assert.equal(pathFilterFault(good), undefined);
  }
  for (
    const bad of [
      "",
      "x",
      "/",
      "/x/",
      "//x",
      "/x//y",
      "/*",
      "*",
      "/x*",
      "/x/*/y",
      "/ü",
    ]
  ) {
    assert.ok(pathFilterFault(bad), bad);
  }
});
