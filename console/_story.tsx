/** What happened to a notification, as a timeline. */

import { Code, Shown, State, Time } from "./_text.tsx";

/** One target of a record, as the API returns it. */
interface Target {
  readonly client: string;
  readonly transport: string;
  readonly subscription?: string;
  readonly state: string;
  readonly reason?: string;
  readonly sockets?: readonly string[];
  readonly providerId?: string;
  readonly attempts?: number;
  readonly earlier?: readonly { readonly at: string; readonly reason: string }[];
  readonly until?: string;
  readonly at: string;
}

/** What a client reported, as the API returns it. */
interface Report {
  readonly kind: string;
  readonly client?: string;
  readonly connection?: string;
  readonly at: string;
}

/** A record, as the API returns it. */
export interface NotificationRecord {
  readonly id: string;
  readonly context: string;
  /** Absent where it is to many users. */
  readonly user?: string;
  readonly topic: string;
  readonly acceptedAt: string;
  readonly state: string;
  readonly reason?: string;
  readonly mergedInto?: string;
  readonly deliverAt?: string;
  readonly deliveredAs?: string;
  readonly fanout?: string;
  readonly users?: { readonly count: number; readonly states: Readonly<Record<string, number>> };
  readonly receipts?: readonly Report[];
  readonly targets: readonly Target[];
}

interface StoryProps {
  readonly record: NotificationRecord;
  /** Those that were merged into it, where they were asked for. */
  readonly merged?:
    | { readonly items: readonly NotificationRecord[]; readonly stopped?: boolean }
    | undefined;
}

/** The timeline. */
export function Story({ record, merged }: StoryProps) {
  const { id, context, user, topic, acceptedAt, state, reason, fanout } = record;
  const { mergedInto, deliverAt, deliveredAs, targets, receipts = [] } = record;
  const steps = [
    ...targets.flatMap((target) =>
      (target.earlier ?? []).map((attempt) => ({
        at: attempt.at,
        step: <FailedAttempt target={target} {...attempt} />,
      }))
    ),
    ...targets.map((target) => ({ at: target.at, step: <Attempt target={target} /> })),
    ...receipts.map((report) => ({ at: report.at, step: <Reported report={report} /> })),
  ].toSorted((a, b) => a.at < b.at ? -1 : 1);
  return (
    <>
      <p>
        <Code text={id} /> of {user === undefined ? "many users" : (
          <>
            user <Shown text={user} />
          </>
        )} in context <Shown text={context} />, topic <Code text={topic} />: <State of={state} />
        {" "}
        {reason !== undefined && <Shown text={reason} />}
      </p>
      {fanout !== undefined && (
        <p>
          It is part of <Link id={fanout} />, which is to many users.
        </p>
      )}
      <ol class="timeline" aria-label="Timeline, in UTC">
        {merged?.items.toReversed().map((each) => (
          <li key={each.id}>
            <Time at={each.acceptedAt} exact /> <Link id={each.id} />{" "}
            accepted, and merged into this one
          </li>
        ))}
        {merged?.stopped && <li>Perhaps more were merged into it: the search is bounded.</li>}
        <li>
          <Time at={acceptedAt} exact /> accepted
        </li>
        {mergedInto !== undefined && (
          <li>
            merged into <Link id={mergedInto} />
          </li>
        )}
        {deliverAt !== undefined && (
          <li>
            <Time at={deliverAt} /> it will be delivered
          </li>
        )}
        {deliveredAs !== undefined && (
          <li>
            put into the buffer when it was due, as <Link id={deliveredAs} />
          </li>
        )}
        {steps.map(({ step }, at) => <li key={at}>{step}</li>)}
        {state === "in_flight" && <li>in flight: it waits, or is being sent or retried</li>}
      </ol>
    </>
  );
}

function Link({ id }: { readonly id: string }) {
  return (
    <a href={`/console/notifications/${id}`}>
      <Code text={id} />
    </a>
  );
}

function Attempt({ target }: { readonly target: Target }) {
  const { client, transport, subscription, state, reason, providerId, attempts = 1 } = target;
  const { at, until, sockets } = target;
  return (
    <>
      <Time at={at} exact /> <State of={state} /> {transport} of <Shown text={client} />
      {subscription === undefined
        ? (sockets ? <Sockets ids={sockets} /> : ", its open sockets")
        : (
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
      {until !== undefined && (
        <>
          , until <Time at={until} />
        </>
      )}
      {providerId !== undefined && (
        <>
          , provider's id <Code text={providerId} />
        </>
      )}
    </>
  );
}

function Sockets({ ids }: { readonly ids: readonly string[] }) {
  return (
    <>
      , sockets {ids.map((id) => (
        <>
          {" "}
          <Code text={id} />
        </>
      ))}
    </>
  );
}

function FailedAttempt(
  { target: { client, transport, subscription }, at, reason }: {
    readonly target: Target;
    readonly at: string;
    readonly reason: string;
  },
) {
  return (
    <>
      <Time at={at} exact /> <State of="retrying" /> {transport} of <Shown text={client} />
      {subscription !== undefined && (
        <>
          , subscription <Code text={subscription} />
        </>
      )}
      : <Shown text={reason} />
    </>
  );
}

function Reported({ report: { kind, client, connection, at } }: { readonly report: Report }) {
  return (
    <>
      <Time at={at} exact /> <State of={kind} /> reported by{" "}
      {client === undefined ? "an app with its receipt token" : <Shown text={client} />}
      {connection !== undefined && (
        <>
          , socket <Code text={connection} />
        </>
      )}
    </>
  );
}
