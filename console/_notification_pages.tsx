/** The pages of notifications: the list with its filters, and the story of one. */

import { NOTIFICATION_STATES } from "../core/ledger.ts";
import { FormField, Layout, Problem, Table } from "./_layout.tsx";
import type { ConsoleSession } from "./sessions.ts";
import { Code, Shown, State, Time } from "./_text.tsx";
import type { ApiAnswer } from "./tickets.ts";

/** One target of a record, as the API returns it. */
interface Target {
  readonly client: string;
  readonly transport: string;
  readonly subscription?: string;
  readonly state: string;
  readonly reason?: string;
  readonly providerId?: string;
  readonly attempts?: number;
  readonly at: string;
}

/** A record, as the API returns it. */
export interface NotificationRecord {
  readonly id: string;
  readonly context: string;
  readonly user: string;
  readonly topic: string;
  readonly acceptedAt: string;
  readonly state: string;
  readonly reason?: string;
  readonly mergedInto?: string;
  readonly targets: readonly Target[];
}

type Query = Readonly<Record<string, string>>;

/** The list. */
export function NotificationsPage(
  { session, answer, query }: {
    readonly session: ConsoleSession;
    readonly answer: ApiAnswer;
    readonly query: Query;
  },
) {
  return (
    <Layout title="Notifications" path="/console/notifications" session={session}>
      <form method="get" class="filters" role="search" aria-label="Notifications">
        <FormField label="Context" name="context" value={query["context"]} />
        <FormField label="User" name="user" value={query["user"]} />
        <FormField label="Topic" name="topic" value={query["topic"]} />
        <FormField
          label="State"
          name="state"
          value={query["state"]}
          choices={NOTIFICATION_STATES}
        />
        <button type="submit">Show</button>
      </form>
      {answer.ok ? <List answer={answer} query={query} /> : <Problem answer={answer} />}
    </Layout>
  );
}

function List({ answer: { body }, query }: { readonly answer: ApiAnswer; readonly query: Query }) {
  const items = body.items as readonly NotificationRecord[];
  return (
    <>
      {items.length === 0 ? <p>No notification matches.</p> : (
        <Table
          caption="Notifications, the newest first"
          head={["Accepted", "Context", "User", "Topic", "State", "Id"]}
        >
          {items.map((record) => (
            <tr key={record.id}>
              <td>
                <Time at={record.acceptedAt} />
              </td>
              <td>
                <Shown text={record.context} />
              </td>
              <td>
                <Shown text={record.user} />
              </td>
              <td>
                <Shown text={record.topic} />
              </td>
              <td>
                <State of={record.state} />{" "}
                {record.reason !== undefined && <Shown text={record.reason} />}
              </td>
              <td>
                <a href={`/console/notifications/${record.id}`}>
                  <Code text={record.id} />
                </a>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {body.stopped && (
        <p>
          The search stopped after {body.searched.toLocaleString("en")}{" "}
          notifications; "Older" continues it.
        </p>
      )}
      {body.sampled && (
        <p>
          A busy minute has more notifications than are read here. Name a context and a user to see
          all of theirs.
        </p>
      )}
      {body.next !== undefined && (
        <p>
          <a
            class="button"
            href={`?${new URLSearchParams({ ...query, cursor: body.next })}`}
          >
            Older
          </a>
        </p>
      )}
    </>
  );
}

/** The story of one notification. */
export function NotificationPage(
  { session, answer }: { readonly session: ConsoleSession; readonly answer: ApiAnswer },
) {
  const record = answer.body as NotificationRecord;
  return (
    <Layout title="Notification" path="/console/notifications" session={session}>
      {!answer.ok ? <Problem answer={answer} /> : (
        <>
          <Story record={record} />
          <p>
            <a class="button" href={`/console/why?id=${record.id}`}>Why?</a>
          </p>
        </>
      )}
    </Layout>
  );
}

/** What happened to a notification, as a timeline. */
export function Story({ record }: { readonly record: NotificationRecord }) {
  const { id, context, user, topic, acceptedAt, state, reason, mergedInto, targets } = record;
  const steps = targets.toSorted((a, b) => a.at < b.at ? -1 : 1);
  return (
    <>
      <p>
        <Code text={id} /> of user <Shown text={user} /> in context <Shown text={context} />, topic
        {" "}
        <Code text={topic} />: <State of={state} />{" "}
        {reason !== undefined && <Shown text={reason} />}
      </p>
      <ol class="timeline" aria-label="Timeline">
        <li>
          <Time at={acceptedAt} /> accepted
        </li>
        {mergedInto !== undefined && (
          <li>
            merged into <a href={`/console/notifications/${mergedInto}`}>{mergedInto}</a>
          </li>
        )}
        {steps.map((target) => <Step key={keyOf(target)} target={target} />)}
        {state === "in_flight" && <li>in flight: it waits, or is being sent or retried</li>}
      </ol>
    </>
  );
}

function Step({ target }: { readonly target: Target }) {
  const { client, transport, subscription, state, reason, providerId, attempts = 1, at } = target;
  return (
    <li>
      <Time at={at} /> <State of={state} /> {transport} of <Shown text={client} />
      {subscription === undefined ? ", its open sockets" : (
        <>
          , subscription <Code text={subscription} />
        </>
      )}
      {attempts > 1 && `, after ${attempts} attempts`}
      {reason !== undefined && (
        <>
          : <Shown text={reason} />
        </>
      )}
      {providerId !== undefined && (
        <>
          , provider's id <Code text={providerId} />
        </>
      )}
    </li>
  );
}

function keyOf({ transport, client, subscription = "" }: Target): string {
  return `${transport} ${client} ${subscription}`;
}
