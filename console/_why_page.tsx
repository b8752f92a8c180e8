/** The page "Why": explain as a form, its layers drawn, and what happened beside what would. */

import { TRANSPORTS } from "../core/subscription.ts";
import { FormField, Layout, Problem } from "./_layout.tsx";
import { type NotificationRecord, Story } from "./_story.tsx";
import { MessageCard, type ShownMessage } from "./_message_card.tsx";
import type { ConsoleSession } from "./sessions.ts";
import { Code, Shown, State } from "./_text.tsx";
import type { ApiAnswer } from "./tickets.ts";

interface TrailStep {
  readonly key: string;
  readonly scope: string;
  readonly source?: string;
  readonly value?: string;
  readonly chosen: boolean;
  readonly barred?: boolean;
}

interface ExplainedTarget {
  readonly client: string;
  readonly transport: string;
  readonly subscription?: string;
  readonly send: boolean;
  readonly state?: string;
  readonly reason?: string;
  readonly waits?: string;
  readonly trail: readonly TrailStep[];
  readonly message?: ShownMessage;
}

interface ExplanationBody {
  readonly targets: readonly ExplainedTarget[];
  readonly absent: readonly {
    readonly code: string;
    readonly subscription?: string;
    reason: string;
  }[];
  readonly hypothetical?: {
    readonly enabled: boolean;
    serves: boolean;
    trail: readonly TrailStep[];
  };
  readonly contextSets: {
    readonly tags: readonly { readonly tag: string; readonly source: string }[];
    readonly sets: readonly { name: string; source: string; withTags: string; matches: boolean }[];
  };
  readonly delay: { readonly waitsMs: number; readonly atMostMs: number };
  readonly limits: Readonly<Record<string, number>>;
  readonly happened?: NotificationRecord;
  readonly warnings?: readonly string[];
}

/** The page; `answer` is absent where nothing was asked. */
export function WhyPage(
  { session, query, answer }: {
    readonly session: ConsoleSession;
    readonly query: Readonly<Record<string, string>>;
    readonly answer: ApiAnswer | undefined;
  },
) {
  return (
    <Layout title="Why" path="/console/why" session={session}>
      <p>
        Why did a user receive a notification, or not? Name a notification that was published, or a
        user and a topic.
      </p>
      <form method="get" class="filters" role="search" aria-label="Explain">
        <FormField label="Notification" name="id" value={query["id"]} />
        <FormField label="Context" name="context" value={query["context"]} />
        <FormField label="User" name="user" value={query["user"]} />
        <FormField label="Topic" name="topic" value={query["topic"]} />
        <FormField label="Client" name="client" value={query["client"]} />
        <FormField
          label="Transport"
          name="transport"
          value={query["transport"]}
          choices={TRANSPORTS}
        />
        <button type="submit">Explain</button>
      </form>
      {answer && (answer.ok
        ? <Explained body={answer.body as ExplanationBody} />
        : <Problem answer={answer} />)}
    </Layout>
  );
}

function Explained({ body }: { readonly body: ExplanationBody }) {
  const { targets, absent, hypothetical, contextSets, delay, limits, happened, warnings } = body;
  const isSent = targets.some(({ send }) => send);
  return (
    <div class={happened ? "columns" : undefined}>
      {happened && (
        <section>
          <h2>What happened</h2>
          <Story record={happened} />
        </section>
      )}
      <section>
        <h2>What would happen now</h2>
        <p class="verdict">
          {isSent ? "It would be sent." : "Nothing would be sent."}
        </p>
        {warnings?.map((warning) => (
          <p key={warning} class="notice error">
            <Shown text={warning} max={500} />
          </p>
        ))}
        {targets.map((target, at) => <Target key={at} target={target} />)}
        {absent.length > 0 && (
          <>
            <h3>No target</h3>
            <ul>
              {absent.map(({ code, subscription, reason }, at) => (
                <li key={at}>
                  <State of={code} /> {subscription !== undefined && <Code text={subscription} />}
                  {" "}
                  <Shown text={reason} max={500} />
                </li>
              ))}
            </ul>
          </>
        )}
        {hypothetical && (
          <>
            <h3>If there were a target</h3>
            <p>
              The transport is {hypothetical.enabled ? "enabled" : "not enabled"}, and the client
              {" "}
              {hypothetical.serves ? "has options" : "has no options"}.
            </p>
            <Layers trail={hypothetical.trail} />
          </>
        )}
        <h3>Context sets</h3>
        <p>Tags of the user:</p>
        <ul class="tags">
          {contextSets.tags.map(({ tag, source }) => (
            <li key={tag}>
              <Code text={tag} /> <small>{source}</small>
            </li>
          ))}
        </ul>
        <ul>
          {contextSets.sets.map(({ name, source, withTags, matches }) => (
            <li key={source}>
              <State of={matches ? "matches" : "no match"} /> <Shown text={name} />:{" "}
              <Code text={withTags} /> <small>{source}</small>
            </li>
          ))}
        </ul>
        <h3>Delay and limits</h3>
        <p>
          It waits {delay.waitsMs} ms for similar ones, {delay.atMostMs} ms at most.
        </p>
        <dl class="pairs">
          {Object.entries(limits).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value === 0 ? "no limit" : value.toLocaleString("en")}</dd>
            </div>
          ))}
        </dl>
      </section>
    </div>
  );
}

function Target({ target }: { readonly target: ExplainedTarget }) {
  const { client, transport, subscription, send, state, reason, waits, trail, message } = target;
  return (
    <article class="card">
      <h3>
        {transport} of <Shown text={client} />
      </h3>
      <p>
        <State of={send ? "would be sent" : state ?? "not sent"} />{" "}
        {subscription === undefined ? "open sockets" : <Code text={subscription} />}{" "}
        {reason !== undefined && <Shown text={reason} />}
      </p>
      {waits !== undefined && (
        <p class="notice error">
          Messages wait: <Shown text={waits} />
        </p>
      )}
      <Layers trail={trail} />
      {message && <MessageCard message={message} />}
    </article>
  );
}

/** The places that were searched, in their order; the one that decides is marked. */
function Layers({ trail }: { readonly trail: readonly TrailStep[] }) {
  return (
    <ol class="layers" aria-label="Layers of the configuration">
      {[...Map.groupBy(trail, ({ key }) => key)].map(([key, steps]) => (
        <li key={key}>
          <Code text={key} max={200} />
          <ol>{steps.map((step, at) => <Layer key={at} step={step} />)}</ol>
        </li>
      ))}
    </ol>
  );
}

function Layer({ step: { scope, source, value, chosen, barred } }: { readonly step: TrailStep }) {
  return (
    <li class={chosen ? "chosen" : value === undefined ? "empty" : undefined}>
      <strong>{scope}</strong> {value === undefined ? <span>not set</span> : <Code text={value} />}
      {" "}
      {source !== undefined && (
        <small>
          <Shown text={source} />
        </small>
      )}
      {chosen && <em>decides</em>}
      {barred && <em>without effect: a less specific scope is final</em>}
    </li>
  );
}
