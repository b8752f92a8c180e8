/**
 * What every HTTP sender promises about the answers of APNs and FCM: each row of their tables, from
 * a real server, comes to what the table says.
 */

import assert from "node:assert/strict";
import { readApnAnswer } from "../../transports/apn/answers.ts";
import { readFcmAnswer } from "../../transports/gcm/answers_v1.ts";
import type { HttpReply } from "../../transports/http/mod.ts";
import { APN_ROWS, brief, FACTS } from "../transports/apn/_answer_rows.ts";
import { FCM_ROWS, NOW } from "../transports/gcm/_answer_rows.ts";
import type { MakeEngine } from "../transports/http/_engines.ts";
import { startH2Server } from "../transports/http/_h2_servers.ts";
import { pair, senderRig } from "./_http_sender_rig.ts";

/** An answer as a server writes it. */
interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter?: string | undefined;
}

/** Registers the tests for one engine. */
export function providerAnswersContract(engine: string, makeEngine: MakeEngine): void {
  /** Lets a server give these answers in turn, and returns what the sender makes of them. */
  async function replies(answers: readonly Answer[]): Promise<readonly HttpReply[]> {
    let asked = 0;
    await using server = await startH2Server(pair, (stream) => {
      const { status, text, retryAfter } = answers[asked++]!;
      const more = retryAfter === undefined ? {} : { "retry-after": retryAfter };
      stream.respond({ ":status": status, "content-type": "application/json", ...more });
      stream.end(text);
    });
    await using rig = senderRig(makeEngine, { origin: server.origin });
    const replies: HttpReply[] = [];
    for (const { status } of answers) {
      const result = await rig.post();
      assert.ok(result.kind === "reply", `${status}: ${JSON.stringify(result)}`);
      replies.push(result);
    }
    return replies;
  }

  Deno.test(`${engine}: every answer of APNs' table comes to what the table says`, async () => {
    const answers = APN_ROWS.map(([status, reason]) => ({
      status,
      text: JSON.stringify({ reason }),
    }));
    const read = (await replies(answers)).map((reply, at) => [
      ...APN_ROWS[at]!.slice(0, 2),
      brief(readApnAnswer(reply, FACTS)),
    ]);
    assert.deepEqual(read, APN_ROWS);
  });

  Deno.test(`${engine}: every answer of FCM's table comes to what the table says`, async () => {
    const answers = FCM_ROWS.map(({ status, text = "", retryAfter }) => ({
      ...{ status, text, retryAfter },
    }));
    for (const [at, reply] of (await replies(answers)).entries()) {
      const { name, expected } = FCM_ROWS[at]!;
      const outcome: Record<string, unknown> = { ...readFcmAnswer(reply, NOW) };
      for (const [key, value] of Object.entries(expected)) {
        assert.deepEqual(outcome[key], value, `${name}: ${key}`);
      }
    }
  });
}
