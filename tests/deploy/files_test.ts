/** The files of `deploy/` are taken by the programs that they are for. */

import assert from "node:assert/strict";
import { parse, parseAllDocuments } from "yaml";
import { METRICS } from "../../core/metrics.ts";
import { readEnvironment, VARIABLES } from "../../service/environment.ts";
import { freePort } from "../support/free_port.ts";
import { startNginx } from "../support/nginx.ts";
import {
  CADDY,
  NGINX,
  programTest,
  PROMTOOL,
  runProgram,
  SYSTEMD_ANALYZE,
} from "../support/programs.ts";
import { until } from "../support/until.ts";
import { startSetUp } from "../doctor/_set_up.ts";

const DEPLOY = new URL("../../deploy/", import.meta.url);

function read(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, DEPLOY));
}

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "carillon_deploy_" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

programTest(SYSTEMD_ANALYZE)("systemd takes the unit files without a complaint", async () => {
  await withFolder(async (folder) => {
    for (const [name, written] of [["carillon.service", ""], ["carillon@.service", "8081"]]) {
      const text = (await read(`systemd/${name}`))
        // What verify looks for on this machine.
        .replace("/usr/local/bin/deno", Deno.execPath())
        .replaceAll(/^(User|Group)=carillon$/gm, "$1=root");
      const path = `${folder}/${name!.replace("@", `@${written}`)}`;
      await Deno.writeTextFile(path, text);
      const { code, stderr } = await runProgram(["systemd-analyze", "verify", path]);
      const complaints = stderr.split("\n").filter((line) => line.includes("carillon"));
      assert.deepEqual(complaints, []);
      assert.equal(code, 0, stderr);
    }
  });
});

Deno.test("the example environment names variables that are read", async () => {
  const text = await read("systemd/carillon.env.example");
  const entries = text.split("\n").filter((line) => /^[A-Z]/.test(line))
    .map((line) => line.split("=") as [string, string]);
  for (const [name] of entries) {
    assert.ok(name in VARIABLES || name === "IO_CARILLON_INTERNAL_PORT", name);
  }
  assert.equal(readEnvironment(Object.fromEntries(entries)).host, "127.0.0.1");
});

programTest(NGINX)("a service behind deploy/nginx.conf is sound to the doctor", async () => {
  await using setUp = await startSetUp({
    properties: { "io.carillon.websocket.pingInterval": 700 },
  });
  const text = await read("nginx.conf");
  const { host } = setUp.providers.service;
  await using proxy = await startNginx((port) =>
    text.replaceAll("10.0.0.1:8080", host).replaceAll(/^\s*server 10\.0\.0\.2.*\n/gm, "")
      .replace("listen 80;", `listen 127.0.0.1:${port};`)
  );
  const findings = await setUp.examine({
    address: proxy.address,
    nodes: [setUp.providers.service.address],
    idle: true,
  });
  assert.deepEqual(findings, []);
  for (const path of ["/metrics", "/v1/admin/reload"]) {
    const response = await fetch(proxy.address + path);
    await response.body?.cancel();
    assert.equal(response.status, 404, "operators' paths do not pass");
  }
});

programTest(CADDY)("Caddy takes the Caddyfile", async () => {
  const path = new URL("Caddyfile", DEPLOY).pathname;
  const { code, stderr } = await runProgram(
    ["caddy", "validate", "--adapter", "caddyfile", "--config", path],
    { env: { HOME: "/tmp" } },
  );
  assert.equal(code, 0, stderr);
});

programTest(CADDY)("a service behind the Caddyfile is sound to the doctor", async () => {
  await using opened = new AsyncDisposableStack();
  const setUp = opened.use(
    await startSetUp({ properties: { "io.carillon.websocket.pingInterval": 700 } }),
  );
  const { host } = setUp.providers.service;
  const folder = await Deno.makeTempDir({ prefix: "carillon_caddy_" });
  opened.defer(() => Deno.remove(folder, { recursive: true }));
  const address = `http://127.0.0.1:${freePort()}`;
  const text = (await read("Caddyfile")).replace("push.example.com {", `${address} {`)
    .replaceAll("10.0.0.1:8080 10.0.0.2:8080", host);
  await Deno.writeTextFile(`${folder}/Caddyfile`, `{\n\tadmin off\n}\n${text}`);
  const child = new Deno.Command("caddy", {
    args: ["run", "--adapter", "caddyfile", "--config", `${folder}/Caddyfile`],
    env: { HOME: folder },
    ...{ stdin: "null", stdout: "null", stderr: "null" },
  }).spawn();
  opened.defer(async () => {
    child.kill("SIGTERM");
    await child.status;
  });
  await until("Caddy passes requests on", async () => {
    const response = await fetch(`${address}/livez`).catch(() => undefined);
    await response?.body?.cancel();
    return response?.ok;
  });
  assert.deepEqual(await setUp.examine({ address, idle: true }), []);
});

programTest(PROMTOOL)("promtool takes the alert rules, and their tests pass", async () => {
  const folder = new URL("prometheus/", DEPLOY);
  const check = ["promtool", "check", "rules", "alerts.yml"] as const;
  const checked = await runProgram(check, { cwd: folder });
  assert.equal(checked.code, 0, checked.stderr + checked.stdout);
  const test = ["promtool", "test", "rules", "alerts_test.yml"] as const;
  const tested = await runProgram(test, { cwd: folder });
  assert.equal(tested.code, 0, tested.stderr + tested.stdout);
});

programTest(PROMTOOL)("promtool takes the compose file's Prometheus with its rules", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/alerts.yml`, await read("prometheus/alerts.yml"));
    await Deno.writeTextFile(`${folder}/prometheus.yml`, await read("compose/prometheus.yml"));
    const check = ["promtool", "check", "config", `${folder}/prometheus.yml`] as const;
    const { code, stderr, stdout } = await runProgram(check);
    assert.equal(code, 0, stderr + stdout);
  });
});

Deno.test("alerts and dashboard name metrics that there are, with labels that these have", async () => {
  const dashboard = JSON.parse(await read("grafana/carillon.json"));
  const expressions = [
    ...dashboard.panels.flatMap((panel: { readonly targets?: readonly { expr: string }[] }) =>
      panel.targets?.map(({ expr }) => expr) ?? []
    ),
    ...parse(await read("prometheus/alerts.yml")).groups[0].rules.map(
      ({ expr }: { readonly expr: string }) => expr,
    ),
  ] as readonly string[];
  assert.ok(expressions.length > 30);
  for (const expression of expressions) {
    for (const [name] of expression.matchAll(/carillon_\w+/g)) {
      const base = name.replace(/_(?:bucket|count|sum)$/, "");
      const metric: { readonly labels?: readonly string[] } | undefined =
        (METRICS as Record<string, { readonly labels?: readonly string[] }>)[base];
      assert.ok(metric, name);
      for (const [, labels] of expression.matchAll(/ by \(([^)]*)\)/g)) {
        for (const label of labels!.split(",").map((each) => each.trim())) {
          const known: readonly string[] = ["instance", "le", ...metric.labels ?? []];
          assert.ok(known.includes(label), `${label} of ${name}`);
        }
      }
    }
  }
});

Deno.test("the dashboard's panels lie beside each other and none on another", async () => {
  interface Place {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  }
  const { panels } = JSON.parse(await read("grafana/carillon.json"));
  const places: readonly Place[] = panels.map((panel: { gridPos: Place }) => panel.gridPos);
  places.forEach((a, at) => {
    assert.ok(a.x + a.w <= 24);
    for (const b of places.slice(at + 1)) {
      const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
      assert.ok(apart, `${JSON.stringify(a)} ${JSON.stringify(b)}`);
    }
  });
});

Deno.test("the Kubernetes objects fit each other", async () => {
  const documents = parseAllDocuments(await read("kubernetes/carillon.yaml"));
  for (const { errors } of documents) assert.deepEqual(errors, []);
  const objects = documents.map((document) => document.toJS());
  const kinds = objects.map(({ kind }) => kind);
  const wanted = ["Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy", "Ingress"];
  assert.deepEqual(kinds, wanted);
  for (const { apiVersion, metadata } of objects) {
    assert.match(apiVersion, /^(?:v1|apps\/v1|policy\/v1|networking\.k8s\.io\/v1)$/);
    assert.equal(metadata.name, "carillon");
  }
  const [deployment, service] = objects;
  const { template, selector } = deployment.spec;
  assert.deepEqual(selector.matchLabels, template.metadata.labels);
  assert.deepEqual(service.spec.selector, template.metadata.labels);
  const [container] = template.spec.containers;
  const ports = container.ports.map(({ name }: { readonly name: string }) => name);
  assert.ok(ports.includes(service.spec.ports[0].targetPort));
  assert.equal(container.livenessProbe.httpGet.path, "/livez");
  assert.equal(container.readinessProbe.httpGet.path, "/readyz");
  // Drain within 15 s, and 25 s for the stop.
  assert.ok(template.spec.terminationGracePeriodSeconds >= 15 + 25);
});

Deno.test("the compose file mounts files that are there, and names its services rightly", async () => {
  const compose = parse(await read("compose/docker-compose.yml"), { merge: true });
  const { services } = compose;
  for (
    const { volumes = [], build } of Object.values<{ volumes?: string[]; build?: unknown }>(
      services,
    )
  ) {
    for (const volume of volumes) {
      const [from] = volume.split(":");
      if (from!.startsWith(".")) await Deno.stat(new URL(from!, new URL("compose/", DEPLOY)));
    }
    if (build) await Deno.stat(new URL("../../Dockerfile", new URL("compose/", DEPLOY)));
  }
  const nginx = await read("compose/nginx.conf");
  const prometheus = await read("compose/prometheus.yml");
  for (const node of ["carillon-1", "carillon-2"]) {
    assert.ok(node in services);
    assert.ok(nginx.includes(`server ${node}:8080`));
    assert.ok(prometheus.includes(`${node}:9091`));
  }
  assert.match(services.redis.command.join(" "), /appendonly yes .*noeviction/);
});

Deno.test("the compose file's nginx is deploy/nginx.conf with other names", async () => {
  const plain = (text: string) =>
    text.split("\n").filter((line) => !/^#|server_name/.test(line)).join("\n");
  const expected = plain(await read("nginx.conf"))
    .replaceAll("10.0.0.1:8080", "carillon-1:8080").replaceAll("10.0.0.2:8080", "carillon-2:8080");
  assert.equal(plain(await read("compose/nginx.conf")), expected);
});

Deno.test("the files for Fly say the same of the service", async () => {
  const [one, many] = [
    await Deno.readTextFile(new URL("../fly.toml", DEPLOY)),
    await read("fly/fly.redis.toml"),
  ];
  assert.ok(!/^CARILLON_STORE/m.test(many), "the store has a password, so it is a secret");
  assert.ok(!/^\[mounts\]/m.test(many));
  for (const line of ['path = "/readyz"', "internal_port = 8080", "port = 9091"]) {
    assert.ok(one.includes(line) && many.includes(line), line);
  }
});
