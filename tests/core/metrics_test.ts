import assert from "node:assert/strict";
import { createMetrics, METRICS } from "../../core/metrics.ts";

Deno.test("every metric of the table is exposed before anything was counted", async () => {
  const text = await createMetrics().expose();
  for (const [name, { type, help }] of Object.entries(METRICS)) {
    assert.ok(text.includes(`# HELP ${name} ${help}\n`), name);
    assert.ok(text.includes(`# TYPE ${name} ${type}\n`), name);
  }
});

Deno.test("the names follow the conventions of Prometheus", () => {
  for (const [name, { type }] of Object.entries(METRICS)) {
    assert.match(name, /^carillon_[a-z]+(_[a-z]+)*$/);
    assert.equal(type === "counter", name.endsWith("_total"), name);
    if (type === "histogram") assert.match(name, /_seconds$/);
  }
});

Deno.test("counters add up, by label", async () => {
  const metrics = createMetrics();
  metrics.count("carillon_notifications_accepted_total", {});
  metrics.count("carillon_notifications_accepted_total", {}, 2);
  metrics.count("carillon_notifications_settled_total", { state: "delivered" });
  const text = await metrics.expose();
  assert.match(text, /^carillon_notifications_accepted_total 3$/m);
  assert.match(text, /^carillon_notifications_settled_total\{state="delivered"\} 1$/m);
});

Deno.test("gauges say what they were set to last", async () => {
  const metrics = createMetrics();
  metrics.set("carillon_buffer_waiting", {}, 5);
  metrics.set("carillon_buffer_waiting", {}, 2);
  assert.match(await metrics.expose(), /^carillon_buffer_waiting 2$/m);
});

Deno.test("histograms count what lies below each bound", async () => {
  const metrics = createMetrics();
  metrics.observe("carillon_publish_duration_seconds", {}, 0.002);
  metrics.observe("carillon_publish_duration_seconds", {}, 100);
  const text = await metrics.expose();
  assert.match(text, /^carillon_publish_duration_seconds_bucket\{le="0.001"\} 0$/m);
  assert.match(text, /^carillon_publish_duration_seconds_bucket\{le="0.0025"\} 1$/m);
  assert.match(text, /^carillon_publish_duration_seconds_bucket\{le="\+Inf"\} 2$/m);
  assert.match(text, /^carillon_publish_duration_seconds_count 2$/m);
});

Deno.test("gauges are brought up to date before each scrape", async () => {
  const metrics = createMetrics();
  let waiting = 1;
  metrics.beforeScrape(() => metrics.set("carillon_buffer_waiting", {}, waiting));
  assert.match(await metrics.expose(), /^carillon_buffer_waiting 1$/m);
  waiting = 7;
  assert.match(await metrics.expose(), /^carillon_buffer_waiting 7$/m);
});

Deno.test("two registries know nothing of each other", async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.count("carillon_notifications_accepted_total", {});
  assert.match(await other.expose(), /^carillon_notifications_accepted_total 0$/m);
});
