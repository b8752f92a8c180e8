/**
 * The simulator's own HTTP interface: received pushes, faults, latency, sample addresses, and a
 * page. It is meant for loopback and has no authentication.
 */

import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { messageOf, ServiceError } from "../core/errors.ts";
import type { SimulatorAddresses } from "./addresses.ts";
import type { PushLog } from "./push_log.ts";
import { type Faults, PROVIDERS } from "./faults.ts";
import { PAGE } from "./page.ts";
import type { Samples } from "./samples.ts";
import type { BrowserSubscription, SubscribeOptions } from "./webpush.ts";

interface ApiOptions {
  readonly addresses: () => SimulatorAddresses;
  readonly samples: Samples;
  readonly received: PushLog;
  readonly faults: Faults;
  readonly setLatency: (latencyMs: number) => void;
  readonly subscribe: (options: SubscribeOptions) => BrowserSubscription;
}

const MAX_BODY_BYTES = 16 * 1024;
const MAX_LATENCY_MS = 600_000;
/** The page needs its own script and style and nothing else. */
const PAGE_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; " +
  "connect-src 'self'";

const text = z.string().max(4096);
const faultSchema = z.strictObject({
  provider: z.enum(PROVIDERS),
  token: text.default("*"),
  script: text,
});
const latencySchema = z.strictObject({ ms: z.number().int().min(0).max(MAX_LATENCY_MS) });
const subscribeSchema = z.strictObject({
  applicationServerKey: text.exactOptional(),
  fault: text.exactOptional(),
});
const filterSchema = z.strictObject({
  provider: z.enum(PROVIDERS).exactOptional(),
  token: text.exactOptional(),
  after: z.coerce.number().int().min(0).exactOptional(),
  accepted: z.enum(["true", "false"]).transform((word) => word === "true").exactOptional(),
});

/** Creates the handler of page and API. */
export function createApi(options: ApiOptions): (request: Request) => Response | Promise<Response> {
  const { received, faults } = options;
  const app = new Hono();
  app.use("/api/*", bodyLimit({ maxSize: MAX_BODY_BYTES }));

  app.get("/", (c) => {
    c.header("content-security-policy", PAGE_POLICY);
    return c.html(PAGE);
  });
  app.get("/api/arrivals", (c) => {
    const filter = filterSchema.parse(c.req.query());
    return c.json({ counts: received.counts(), arrivals: received.list(filter) });
  });
  app.delete("/api/arrivals", (c) => {
    received.clear();
    return c.body(null, 204);
  });
  app.get("/api/faults", (c) => c.json({ faults: faults.list() }));
  app.post("/api/faults", async (c) => {
    faults.set(faultSchema.parse(await readJson(c.req.raw)));
    return c.json({ faults: faults.list() }, 201);
  });
  app.delete("/api/faults", (c) => {
    faults.clear();
    return c.body(null, 204);
  });
  app.put("/api/latency", async (c) => {
    const { ms } = latencySchema.parse(await readJson(c.req.raw));
    options.setLatency(ms);
    return c.json({ ms });
  });
  app.get(
    "/api/samples",
    (c) => c.json({ addresses: options.addresses(), samples: options.samples }),
  );
  app.post("/api/subscriptions", async (c) => {
    const wanted = subscribeSchema.parse(await readJson(c.req.raw));
    return c.json(options.subscribe(wanted), 201);
  });
  app.notFound((c) => c.json({ error: "Not found" }, 404));
  app.onError((error, c) => {
    if (error instanceof ServiceError) return c.json({ error: error.message }, 400);
    if (error instanceof z.ZodError) return c.json({ error: z.prettifyError(error) }, 400);
    return c.json({ error: messageOf(error) }, 500);
  });
  return (request) => app.fetch(request);
}

/**
 * Reads a JSON body. It requires the media type, which forms of other sites cannot send.
 *
 * @throws {ServiceError} `invalid_request`.
 */
async function readJson(request: Request): Promise<unknown> {
  const media = request.headers.get("content-type")?.split(";")[0]?.trim();
  if (media !== "application/json") {
    throw new ServiceError("invalid_request", "Cannot read the body: expected application/json");
  }
  try {
    return JSON.parse(await request.text());
  } catch {
    throw new ServiceError("invalid_request", "Cannot read the body: it is not JSON");
  }
}
