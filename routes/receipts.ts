/** `/v1/receipts`: apps report what became of a message, with the token that it carried. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import { RECEIPT_KINDS } from "../core/ledger.ts";
import type { Pipeline } from "../delivery/mod.ts";
import { readBody } from "./_input.ts";
import { type App, describe, type Env } from "./_openapi.ts";

const report = z.strictObject({
  id: z.uuid().openapi({ description: "The id of the notification, as the message carries it" }),
  token: z.string().min(1).max(64).openapi({
    description: "The `receipt` of the message",
    example: "q3vVJkq1m9mQp0xkV3u7Bg",
  }),
  kind: z.enum(RECEIPT_KINDS),
}).openapi("Receipt");

/** What this route needs. */
export interface ReceiptDeps {
  readonly pipeline: Pick<Pipeline, "reports" | "find">;
}

/** Makes the route. The token is the only credential, so that any app can call it. */
export function receiptRoutes({ pipeline }: ReceiptDeps): App {
  const app = new OpenAPIHono<Env>();
  describe(app, {
    id: "reportReceipt",
    method: "post",
    path: "/",
    tag: "Notifications",
    summary: "Report that a message was delivered, shown, seen or clicked",
    body: report,
    answers: { 204: { text: "Taken; a report that repeats an earlier one changes nothing" } },
    errors: ["forbidden", "not_found", "store_unavailable"],
  });
  app.post("/", async (c) => {
    const { id, ...rest } = await readBody(c, report);
    await pipeline.reports.fromApp({ id: id.toLowerCase(), ...rest }, (id) => pipeline.find(id));
    return c.body(null, 204);
  });
  return app;
}
