/**
 * Explain and delivery on the same random configurations, context sets, attributes, languages,
 * quiet hours, subscriptions and sockets: what explain says would happen, and when, is what the
 * ledger then says has happened, and the message that it shows is the one that arrives.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ENABLED_KEYS, type TrailStep } from "../../cascade/mod.ts";
import type { LedgerRecord, TargetRecord } from "../../core/ledger.ts";
import type { Message } from "../../core/message.ts";
import type { Notification } from "../../core/notification.ts";
import type { Explanation } from "../../delivery/mod.ts";
import { createExplainedPipeline, type Delivered, holdText, USER } from "./_explained_pipeline.ts";
import { type World, world } from "./_explained_world.ts";

const DATA = JSON.stringify({ folder: "a", id: "1", displayname: "Jane", subject: "Hello" });

/** The webhooks of a user; where it names one not, that decides. */
const WEBHOOKS = "com.openexchange.webhooks.enabledIds";

type Explained = Explanation["targets"][number];

Deno.test("explain says what delivery does and when, whatever is configured, subscribed and open", async () => {
  await fc.assert(
    fc.asyncProperty(world, async (given) => {
      await using t = await createExplainedPipeline(given);
      const explanation = await t.explain(notificationOf(given, t.now()));
      const delivered = await t.deliver(DATA);
      const { record } = delivered;
      assert.deepEqual(statesOf(explanation), recordedStates(record));
      assert.equal(record.reason, explanation.targets.length === 0 ? "no_subscription" : undefined);
      for (const target of explanation.targets) {
        assertSameWaits(target, delivered);
        assertSameMessage(target, delivered);
        assertLanguage(target);
      }
      const view = await t.cascade.current().view(USER.context, USER.user);
      for (const { target: { transport, client }, trail } of explanation.targets) {
        const enabled = view.enabled(transport, client, given.topic);
        const ids = transport === "webhook" && !enabled && chosenOf(trail, WEBHOOKS);
        if (typeof ids === "string") assert.ok(!ids.split(",").includes(client));
        else assert.equal(chosenOf(trail, ENABLED_KEYS[transport]), String(enabled));
      }
      assertAllAccountedFor(given, explanation);
    }),
    { numRuns: 300 },
  );
});

function notificationOf(given: World, now: number): Notification {
  const { topic, sourceToken, priority, ttl, escalate } = given;
  return {
    ...{ ...USER, id: "", topic, data: DATA, priority, acceptedAt: now },
    ...sourceToken !== undefined && { sourceToken },
    ...ttl !== undefined && { expiresAt: now + ttl * 1000 },
    ...escalate !== undefined && { options: { escalateAfterMs: escalate * 1000 } },
  };
}

/** The waits are named with the times at which something happens. */
function assertSameWaits({ target, held, quiet }: Explained, { holds }: Delivered): void {
  const waits = held ? [held] : [];
  const expected = waits.map(holdText);
  const actual = holds.get(target.subscriptionId ?? "") ?? [];
  assert.deepEqual(actual.slice(0, 1), expected);
  // After the wait for a socket, quiet hours may hold it once more.
  const [, second] = actual;
  if (second === undefined) return;
  assert.equal(held?.reason, "escalation");
  assert.equal(quiet?.action, "hold");
  assert.equal(second, holdText({ reason: "quiet hours", until: quiet!.until }));
}

function assertSameMessage({ target, step, message }: Explained, { messages }: Delivered): void {
  if (target.subscriptionId === undefined) return;
  const arrived = messages.get(target.token);
  assert.equal(arrived !== undefined, step.send);
  if (arrived) assert.deepEqual(visible(message!), visible(arrived));
}

function visible({ title, body, silent, badge, sound, data, topic, priority }: Message) {
  return { title, body, silent, badge, sound, data, topic, priority };
}

/** The texts of the templates name their language. */
function assertLanguage({ language, message }: Explained): void {
  const shown = /^in (.*)$/.exec(message?.title ?? "")?.[1];
  if (shown === undefined) return;
  assert.equal(language?.chosen ?? "none", shown);
  if (!language) return;
  const { wanted, available } = language;
  const best = wanted.find(({ locale }) => available.includes(locale));
  assert.equal(language.chosen, best?.locale);
}

function statesOf({ targets }: Explanation): readonly string[] {
  return targets.map(({ target, step }) =>
    lineOf({
      client: target.client,
      transport: target.transport,
      subscription: target.subscriptionId,
      state: step.send ? step.state ?? "sent" : step.state,
    })
  ).sort();
}

function recordedStates({ targets }: LedgerRecord): readonly string[] {
  return targets.map(lineOf).sort();
}

function lineOf(
  { client, transport, subscription, state }:
    & Pick<TargetRecord, "client" | "transport" | "state">
    & { readonly subscription?: string | undefined },
): string {
  return `${transport} ${client} ${subscription ?? "sockets"} ${state}`;
}

/** The value of the one step that decides a key, in any of its forms. */
function chosenOf(trail: readonly TrailStep[], key: string): string | undefined {
  const [chosen, ...others] = trail.filter((step) =>
    step.chosen && (step.key === key || step.key.startsWith(`${key}.`))
  );
  assert.equal(others.length, 0);
  return chosen?.value;
}

/** Every subscription and every connected client is a target, or it is said why it is none. */
function assertAllAccountedFor({ subscriptions, sockets }: World, explanation: Explanation): void {
  const { targets, absent } = explanation;
  const stored = targets.filter(({ target }) => target.subscriptionId !== undefined).length +
    absent.filter(({ subscription }) => subscription !== undefined).length;
  assert.equal(stored, subscriptions.length);
  assert.equal(absent.some(({ code }) => code === "no_subscription"), subscriptions.length === 0);
  const clients = targets.filter(({ target }) => target.transport === "websocket").length +
    absent.filter(({ code }) => code === "topic_not_delivered").length;
  assert.equal(clients, new Set(sockets.map(({ client }) => client)).size);
  assert.equal(absent.some(({ code }) => code === "no_socket"), sockets.length === 0);
}
