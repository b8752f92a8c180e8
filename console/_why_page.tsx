/** The page "Why": explain as a form, its layers drawn, and what happened beside what would. */

import { TRANSPORTS } from "../core/subscription.ts";
import { Layout, Notice, type PageQuery, Problem, Search } from "./_layout.tsx";
import { type NotificationRecord, Story } from "./_story.tsx";
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

const DELIVER_AT_HINT = "23:00 for the user, or 2030-01-31T22:00:00Z";

/** The page; `answer` is absent where nothing was asked. */
export function WhyPage(
  { query, answer }: {
    readonly query: PageQuery;
    readonly answer: ApiAnswer | undefined;
  },
) {
  return (
    <Layout title="Why" path="/console/why">
      <p>
        Why did a user receive a notification, or not? Name a notification that was published, or a
        user and a topic.
      </p>
      <Search
        path="/console/why"
        label="Explain"
        button="Explain"
        query={query}
        fields={[
          { label: "Notification", name: "id" },
          { label: "Context", name: "context" },
          { label: "User", name: "user" },
          { label: "Topic", name: "topic" },
          { label: "Client", name: "client" },
          { label: "Transport", name: "transport", choices: TRANSPORTS },
          { label: "Priority", name: "priority", choices: ["high", "medium", "low"] },
          { label: "Escalate after seconds", name: "escalate" },
          { label: "Deliver at", name: "deliverAt", hint: DELIVER_AT_HINT },
        ]}
      />
      {!answer && Object.keys(query).length > 0 && (
        <Notice>Name a topic as well, or a notification.</Notice>
      )}
      {answer && (answer.ok
        ? <Explained body={answer.body as ExplanationBody} />
        : <Problem answer={answer} />)}
    </Layout>
  );
}

function Explained({ body }: { readonly body: ExplanationBody }) {
  const { targets, absent, hypothetical, contextSets, delay, limits, happened, warnings } = body;
  const sent = targets.filter(({ send }) => send).length;
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
          {sent > 0
            ? `It would be sent to ${sent} of ${targets.length} targets.`
            : "Nothing would be sent."}
        </p>
        {body.deliverAt !== undefined && (
          <p>
            It is delivered at <Time at={body.deliverAt} />; this is what would happen then.
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
