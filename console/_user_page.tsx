/** The page "Users": sockets, subscriptions, attributes and sessions of one user. */

import type { Child } from "hono/jsx";
import { Action, FormField, isOperator, Layout, Notice, Problem, Table } from "./_layout.tsx";
import { MessageCard, type ShownMessage } from "./_message_card.tsx";
import type { ConsoleSession } from "./sessions.ts";
import { Code, Shown, State, Time } from "./_text.tsx";
import type { ApiAnswer } from "./tickets.ts";

/** The answers of the API about one user. */
interface UserAnswers {
  readonly sockets: ApiAnswer;
  readonly subscriptions: ApiAnswer;
  readonly sessions: ApiAnswer;
  readonly attributes: ApiAnswer;
}

/** The result of a test send. */
interface TestSend {
  readonly answer: ApiAnswer;
  readonly message: ShownMessage | undefined;
}

interface UserDetailsProps {
  readonly session: ConsoleSession;
  readonly query: Readonly<Record<string, string>>;
  readonly answers: UserAnswers | undefined;
  readonly notice?: string | undefined;
  readonly test?: TestSend | undefined;
}

/** The page; `answers` is absent where no user was named. */
export function UserDetailsPage({ session, query, answers, notice, test }: UserDetailsProps) {
  return (
    <Layout title="Users" path="/console/users" session={session}>
      <form method="get" action="/console/users" class="filters" role="search" aria-label="User">
        <FormField label="Context" name="context" value={query["context"]} required />
        <FormField label="User" name="user" value={query["user"]} required />
        <button type="submit">Show</button>
      </form>
      {notice !== undefined && <Notice>{notice}</Notice>}
      {test && <TestResult test={test} />}
      {answers && <User session={session} query={query} answers={answers} />}
    </Layout>
  );
}

function TestResult({ test: { answer, message } }: { readonly test: TestSend }) {
  if (!answer.ok) return <Problem answer={answer} />;
  const { outcome, reason } = answer.body;
  return (
    <section class="card" aria-label="Test send">
      <h2>Test send</h2>
      <p role="status">
        <State of={outcome} /> {reason !== undefined && <Shown text={reason} />}
      </p>
      {message && <MessageCard message={message} />}
    </section>
  );
}

function User(
  { session, query, answers }: {
    readonly session: ConsoleSession;
    readonly query: Readonly<Record<string, string>>;
    readonly answers: UserAnswers;
  },
) {
  const { sockets, subscriptions, sessions, attributes } = answers;
  return (
    <>
      <h2>Sockets</h2>
      <Part answer={sockets} head={["Client", "Connection", "Socket", "State"]} caption="Sockets">
        {({ client, id, socketId, open }) => (
          <>
            <td>
              <Shown text={client} />
            </td>
            <td>
              <Code text={id} />
            </td>
            <td>
              <Code text={socketId} />
            </td>
            <td>
              <State of={open ? "open" : "may resume"} />
            </td>
          </>
        )}
      </Part>
      <h2>Subscriptions</h2>
      <Part
        answer={subscriptions}
        head={["Client", "Transport", "Topics", "Refreshed", "Id", "Actions"]}
        caption="Subscriptions"
      >
        {({ id, client, transport, topics, refreshedAt }) => (
          <>
            <td>
              <Shown text={client} />
            </td>
            <td>
              <Shown text={transport} />
            </td>
            <td>
              <Shown text={topics?.join(", ")} />
            </td>
            <td>{refreshedAt && <Time at={refreshedAt} />}</td>
            <td>
              <Code text={id} />
            </td>
            <td>
              {isOperator(session) && (
                <>
                  <Action
                    session={session}
                    to="/console/users/test"
                    values={{ ...owner(query), id }}
                  >
                    <button type="submit">Test send</button>
                  </Action>
                  <Action
                    session={session}
                    to="/console/users/unsubscribe"
                    values={{ ...owner(query), id }}
                  >
                    <button type="submit" class="danger">Delete</button>
                  </Action>
                </>
              )}
            </td>
          </>
        )}
      </Part>
      {subscriptions.body?.next !== undefined && (
        <p>
          <a
            class="button"
            href={`/console/users?${new URLSearchParams({
              ...owner(query),
              cursor: subscriptions.body.next,
            })}`}
          >
            More subscriptions
          </a>
        </p>
      )}
      <h2>Sessions</h2>
      <Part
        answer={sessions}
        head={["Id", "Client", "Created", "Expires", "Action"]}
        caption="Sessions"
      >
        {({ id, client, createdAt, expires }) => (
          <>
            <td>
              <Code text={id} />
            </td>
            <td>
              <Shown text={client ?? "any"} />
            </td>
            <td>{createdAt && <Time at={createdAt} />}</td>
            <td>{expires && <Time at={expires} />}</td>
            <td>
              {isOperator(session) && (
                <Action
                  session={session}
                  to="/console/users/revoke"
                  values={{ ...owner(query), id }}
                >
                  <button type="submit" class="danger">Revoke</button>
                </Action>
              )}
            </td>
          </>
        )}
      </Part>
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
  { answer, head, caption, children: cells }: {
    readonly answer: ApiAnswer;
    readonly head: readonly string[];
    readonly caption: string;
    readonly children: (item: Item) => Child;
  },
) {
  if (!answer.ok) return <Problem answer={answer} />;
  const items = answer.body.items as readonly Item[];
  if (items.length === 0) return <p>None.</p>;
  return (
    <Table caption={caption} head={head}>
      {items.map((item) => (
        <tr key={item.id}>
          {cells(item)}
        </tr>
      ))}
    </Table>
  );
}

function owner({ context = "", user = "" }: Readonly<Record<string, string>>) {
  return { context, user };
}
