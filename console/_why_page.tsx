/** The page "Why": explain as a form, its layers drawn, and what happened beside what would. */

import { TRANSPORTS } from "../core/subscription.ts";
import { FormField, Layout, Problem } from "./_layout.tsx";
import { type NotificationRecord, Story } from "./_story.tsx";
import type { ConsoleSession } from "./sessions.ts";
import { Code, Shown, State, Time } from "./_text.tsx";
import { type ExplainedTarget, Layers, type SearchedPlace, TargetCard } from "./_why_target.tsx";
import type { ApiAnswer } from "./tickets.ts";

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
    trail: readonly SearchedPlace[];
  };
  readonly contextSets: {
    readonly tags: readonly { readonly tag: string; readonly source: string }[];
    readonly sets: readonly { name: string; source: string; withTags: string; matches: boolean }[];
  };
  readonly deliverAt?: string;
  readonly audience?: { readonly included: boolean; searched: number; stopped?: boolean };
  readonly withoutData?: boolean;
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
        <FormField
          label="Priority"
          name="priority"
          value={query["priority"]}
          choices={["high", "medium", "low"]}
        />
        <FormField label="Escalate after seconds" name="escalate" value={query["escalate"]} />
        <FormField label="Deliver at" name="deliverAt" value={query["deliverAt"]} />
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
        {body.deliverAt !== undefined && (
          <p>
            It is delivered at <Time at={body.deliverAt} /> UTC; this is what would happen then.
          </p>
        )}
        {body.audience && <AudienceNote audience={body.audience} />}
        {warnings?.map((warning) => (
          <p key={warning} class="notice error">
            <Shown text={warning} max={500} />
          </p>
        ))}
        {targets.map((target, at) => (
          <TargetCard key={at} target={target} withoutData={body.withoutData} />
        ))}
        {body.withoutData && targets.length > 0 && (
          <p>
            <small>
              The messages are without data, because none are known: texts may be absent.
            </small>
          </p>
        )}
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

/** Whether a user is among those of a notification to many. */
function AudienceNote(
  { audience: { included, searched, stopped } }: {
    readonly audience: NonNullable<ExplanationBody["audience"]>;
  },
) {
  const users = searched.toLocaleString("en");
  if (included) return <p>The user is one of many that it is for.</p>;
  return (
    <p class="notice error">
      {stopped
        ? `The user is not among the first ${users} users that it is for.`
        : `The user is not among the ${users} users that it is for so far.`}
    </p>
  );
}
