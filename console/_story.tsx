/** What happened to a notification, as a timeline. */

import type { LedgerRecord, Receipt, TargetRecord } from "../core/ledger.ts";
import { Code, NotificationLink, Shown, State, Time, UserLink } from "./_text.tsx";

/** As the API returns it: times are texts. */
type AsReturned<T> = {
  readonly [K in keyof T]: K extends "at" | "until" | "acceptedAt" | "deliverAt" ? string
    : T[K] extends readonly (infer Item extends object)[] | undefined ? readonly AsReturned<Item>[]
    : T[K];
};

/** A record, as the API returns it. The user is absent where it is to many. */
export type NotificationRecord = AsReturned<
  Omit<LedgerRecord, "user"> & Partial<Pick<LedgerRecord, "user">>
>;

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
        step: <Attempt target={{ ...addressOf(target), ...attempt, state: "retrying" }} />,
      }))
    ),
    ...targets.map((target) => ({ at: target.at, step: <Attempt target={target} /> })),
    ...receipts.map((report) => ({ at: report.at, step: <Reported report={report} /> })),
  ].toSorted((a, b) => a.at < b.at ? -1 : 1);
  return (
    <>
      <p>
        <Code text={id} /> for {user === undefined ? "many users" : (
          <>
            user <UserLink context={context} user={user} />
          </>
        )} in context <Shown text={context} />, topic <Code text={topic} />:{" "}
        <State of={state} reason={reason} />
      </p>
      {fanout !== undefined && (
        <p>
          It is part of <NotificationLink id={fanout} />, which is to many users.
        </p>
      )}
      <ol class="timeline" aria-label="Timeline">
        {merged?.items.toReversed().map((each) => (
          <li key={each.id}>
            <Time at={each.acceptedAt} exact /> <NotificationLink id={each.id} />{" "}
            accepted, and merged into this one
          </li>
        ))}
        {merged?.stopped && <li>Perhaps more were merged into it: the search is bounded.</li>}
        <li>
          <Time at={acceptedAt} exact /> accepted
        </li>
        {mergedInto !== undefined && (
          <li>
            merged into <NotificationLink id={mergedInto} />
          </li>
        )}
        {deliverAt !== undefined && (
          <li>
            <Time at={deliverAt} /> it will be delivered
          </li>
        )}
        {deliveredAs !== undefined && (
          <li>
            put into the buffer when it was due, as <NotificationLink id={deliveredAs} />
          </li>
        )}
        {steps.map(({ step }, at) => <li key={at}>{step}</li>)}
        {state === "in_flight" && <li>in flight: it waits, or is being sent or retried</li>}
      </ol>
    </>
  );
}

function Attempt({ target }: { readonly target: AsReturned<TargetRecord> }) {
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

/** Names the target of an attempt that was followed by another. */
function addressOf({ client, transport, subscription }: AsReturned<TargetRecord>) {
  return { client, transport, ...(subscription !== undefined && { subscription }) };
}

function Reported(
  { report: { kind, client, connection, at } }: { readonly report: AsReturned<Receipt> },
) {
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
