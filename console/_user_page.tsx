/** The page "Users": sockets, subscriptions, attributes and sessions of one user. */

import type { Child } from "hono/jsx";
import { Action, Layout, type PageQuery, Problem, Search } from "./_layout.tsx";
import { MessageCard } from "./_message_card.tsx";
import { useIsOperator } from "./_render.tsx";
import { NextPage, Table, type TableRow } from "./_table.tsx";
import { Code, Shown, State, Time } from "./_text.tsx";
import type { ApiAnswer } from "./tickets.ts";

/** The answers of the API about one user. */
interface UserAnswers {
  readonly sockets: ApiAnswer;
  readonly subscriptions: ApiAnswer;
  readonly sessions: ApiAnswer;
  readonly attributes: ApiAnswer;
}

interface UserDetailsProps {
  readonly query: PageQuery;
  /** Absent where no user was named. */
  readonly answers: UserAnswers | undefined;
}

/** The page. */
export function UserDetailsPage({ query, answers }: UserDetailsProps) {
  return (
    <Layout title="Users" path="/console/users">
      <Search
        path="/console/users"
        label="User"
        query={query}
        fields={[
          { label: "Context", name: "context", required: true },
          { label: "User", name: "user", required: true },
        ]}
      />
      {answers && <User query={query} answers={answers} />}
    </Layout>
  );
}

/** What came of a test send. */
export function TestResult({ answer: { body } }: { readonly answer: ApiAnswer }) {
  return (
    <section class="card" aria-label="Test send">
      <h2>Test send</h2>
      <p role="status">
        <State of={body.outcome} reason={body.reason} />
      </p>
      {body.message && <MessageCard message={body.message} />}
    </section>
  );
}

function User(
  { query: { context = "", user = "" }, answers }: {
    readonly query: PageQuery;
    readonly answers: UserAnswers;
  },
) {
  const { sockets, subscriptions, sessions, attributes } = answers;
  const owner = { context, user };
  const named = new URLSearchParams(owner);

  function UserAction(
    { to, id, confirm, children }: {
      readonly to: string;
      readonly id: string;
      readonly confirm?: string;
      readonly children?: Child;
    },
  ) {
    return (
      <Action
        to={`/console/users/${to}`}
        values={{ ...owner, id }}
        {...(confirm !== undefined && { confirm })}
      >
        <button type="submit" class={confirm && "danger"}>{children}</button>
      </Action>
    );
  }

  return (
    <>
      <p class="actions">
        <a class="button" href={`/console/notifications?${named}`}>Notifications</a>
        <a class="button" href={`/console/why?${named}`}>Why?</a>
        <a class="button" href={`/console/configuration?${named}`}>Configuration</a>
      </p>
      <h2>Sockets</h2>
      <Part
        answer={sockets}
        caption="Sockets"
        none="No socket is open: no browser tab receives anything."
        cells={({ client, id, socketId, open }) => ({
          Client: <Shown text={client} />,
          Connection: <Code text={id} />,
          Socket: <Code text={socketId} />,
          State: <State of={open ? "open" : "may resume"} />,
        })}
      />
      <h2>Subscriptions</h2>
      <Part
        answer={subscriptions}
        caption="Subscriptions"
        none="No device is subscribed: nothing is sent to a phone or a closed browser."
        cells={({ id, client, transport, topics, refreshedAt }) => ({
          Client: <Shown text={client} />,
          Transport: <Shown text={transport} />,
          Topics: <Shown text={topics?.join(", ")} />,
          Refreshed: refreshedAt && <Time at={refreshedAt} />,
          Id: <Code text={id} />,
          ...(useIsOperator() && {
            Actions: (
              <>
                <UserAction to="test" id={id}>Test send</UserAction>
                <UserAction
                  to="unsubscribe"
                  id={id}
                  confirm="Delete this subscription? The device receives nothing until it subscribes again."
                >
                  Delete
                </UserAction>
              </>
            ),
          }),
        })}
      />
      <NextPage path="/console/users" query={owner} next={subscriptions.body?.next}>
        More subscriptions
      </NextPage>
      <h2>Sessions</h2>
      <Part
        answer={sessions}
        caption="Sessions"
        none="No session is valid."
        cells={({ id, client, createdAt, expires }) => ({
          Id: <Code text={id} />,
          Client: <Shown text={client ?? "any"} />,
          Created: createdAt && <Time at={createdAt} />,
          Expires: expires && <Time at={expires} />,
          ...(useIsOperator() && {
            Action: (
              <UserAction
                to="revoke"
                id={id}
                confirm="Revoke this session? Its sockets are closed, and its user must sign in again."
              >
                Revoke
              </UserAction>
            ),
          }),
        })}
      />
      <h2>Attributes</h2>
      {attributes.ok
        ? (
          <pre
            tabindex={0}
          ><Shown text={JSON.stringify(attributes.body, null, 2)} max={6000} /></pre>
        )
        : attributes.status === 404
        ? <p>None.</p>
        : <Problem answer={attributes} />}
    </>
  );
}

interface Item {
  readonly id: string;
  readonly client?: string;
  readonly transport?: string;
  readonly topics?: readonly string[];
  readonly refreshedAt?: string;
  readonly createdAt?: string;
  readonly expires?: string;
  readonly socketId?: string;
  readonly open?: boolean;
}

function Part(
  { answer, caption, none, cells }: {
    readonly answer: ApiAnswer;
    readonly caption: string;
    /** What it means that there are none. */
    readonly none: string;
    readonly cells: (item: Item) => TableRow;
  },
) {
  if (!answer.ok) return <Problem answer={answer} />;
  const items = answer.body.items as readonly Item[];
  if (items.length === 0) return <p>{none}</p>;
  return <Table caption={caption} rows={items.map(cells)} />;
}
