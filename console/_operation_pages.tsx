/** The pages "Dead letters", "Credentials" and "Configuration". */

import type { NodeReport } from "../core/node_report.ts";
import { TRANSPORTS } from "../core/subscription.ts";
import { Action, FormField, isOperator, Layout, Notice, Problem, Table } from "./_layout.tsx";
import type { ConsoleSession } from "./sessions.ts";
import { Code, Shown, State, Time } from "./_text.tsx";
import type { ApiAnswer } from "./tickets.ts";

type Query = Readonly<Record<string, string>>;

interface PageProps {
  readonly session: ConsoleSession;
  readonly query: Query;
  readonly answer: ApiAnswer;
  readonly notice?: string | undefined;
}

interface DeadLetterItem {
  readonly id: string;
  readonly notification: string;
  readonly context: string;
  readonly user: string;
  readonly topic: string;
  readonly client: string;
  readonly transport: string;
  readonly reason: string;
  readonly attempts: number;
  readonly at: string;
}

/** The dead letters, with replay of one or of all that match. */
export function DeadLettersPage({ session, query, answer, notice }: PageProps) {
  const { context, client, transport } = query;
  return (
    <Layout title="Dead letters" path="/console/dead-letters" session={session}>
      <form method="get" class="filters" role="search" aria-label="Dead letters">
        <FormField label="Context" name="context" value={context} />
        <FormField label="Client" name="client" value={client} />
        <FormField label="Transport" name="transport" value={transport} choices={TRANSPORTS} />
        <button type="submit">Show</button>
      </form>
      {notice !== undefined && <Notice>{notice}</Notice>}
      {answer.ok
        ? <DeadLetterList session={session} query={query} answer={answer} />
        : <Problem answer={answer} />}
    </Layout>
  );
}

function DeadLetterList({ session, query, answer: { body } }: Omit<PageProps, "notice">) {
  const items = body.items as readonly DeadLetterItem[];
  const { cursor: _cursor, ...filter } = query;
  return (
    <>
      {items.length === 0 ? <p>No dead letter matches.</p> : (
        <>
          <Action session={session} to="/console/dead-letters/replay" values={filter}>
            <button type="submit">Replay all that match</button>
          </Action>
          <Table
            caption="Dead letters, the oldest first"
            head={[
              "At (UTC)",
              "Context",
              "User",
              "Topic",
              "Target",
              "Reason",
              "Notification",
              "Action",
            ]}
          >
            {items.map((letter) => (
              <tr key={letter.id}>
                <td>
                  <Time at={letter.at} />
                </td>
                <td>
                  <Shown text={letter.context} />
                </td>
                <td>
                  <Shown text={letter.user} />
                </td>
                <td>
                  <Shown text={letter.topic} />
                </td>
                <td>
                  {letter.transport} of <Shown text={letter.client} />
                </td>
                <td>
                  <Shown text={letter.reason} />, {letter.attempts} attempts
                </td>
                <td>
                  <a href={`/console/notifications/${letter.notification}`}>
                    <Code text={letter.notification} />
                  </a>
                </td>
                <td>
                  <Action
                    session={session}
                    to="/console/dead-letters/replay"
                    values={{ ...filter, id: letter.id }}
                  >
                    <button type="submit">Replay</button>
                  </Action>
                </td>
              </tr>
            ))}
          </Table>
        </>
      )}
      {body.next !== undefined && (
        <p>
          <a class="button" href={`?${new URLSearchParams({ ...filter, cursor: body.next })}`}>
            More
          </a>
        </p>
      )}
    </>
  );
}

/** The credentials of all clients on all nodes. */
export function CredentialsPage({ session, answer, notice }: Omit<PageProps, "query">) {
  const reports = answer.ok ? answer.body.items as readonly NodeReport[] : [];
  const rows = reports.flatMap(({ node, credentials, queues }) =>
    credentials.map((credential) => ({
      ...{ node, ...credential },
      last: queues.find(({ transport, client }) =>
        transport === credential.transport && client === credential.client
      )?.last,
    }))
  );
  return (
    <Layout title="Credentials" path="/console/credentials" session={session}>
      {notice !== undefined && <Notice>{notice}</Notice>}
      {!answer.ok
        ? <Problem answer={answer} />
        : rows.length === 0
        ? <p>No provider is configured.</p>
        : (
          <Table
            caption="Credentials"
            head={[
              ...["Transport", "Client", "Environment", "Node", "State", "Days left"],
              ...["Last answer", "Problem"],
            ]}
          >
            {rows.map((
              { node, transport, client, environment, ready, daysLeft, last, detail },
            ) => (
              <tr key={`${node} ${transport} ${client}`}>
                <td>{transport}</td>
                <td>
                  <Shown text={client} />
                </td>
                <td>
                  <Shown text={environment ?? "not known"} />
                </td>
                <td>
                  <Code text={node} />
                </td>
                <td>
                  <State of={ready ? "ready" : "not ready"} />
                </td>
                <td>{daysLeft ?? "no end known"}</td>
                <td>
                  {last
                    ? (
                      <>
                        <State of={last.outcome} /> <Shown text={last.reason ?? ""} />{" "}
                        <Time at={new Date(last.at).toISOString()} />
                      </>
                    )
                    : "none since the start"}
                </td>
                <td>
                  <Shown text={detail ?? "none"} />
                </td>
              </tr>
            ))}
          </Table>
        )}
      {isOperator(session) && (
        <Action session={session} to="/console/credentials/reload">
          <button type="submit">Reload</button>
        </Action>
      )}
    </Layout>
  );
}

interface SettingItem {
  readonly key: string;
  readonly value: string;
  readonly scope: string;
  readonly source?: string;
  readonly applies: string;
}

/** The keys of the server or of a user, and what a reload would change. */
export function ConfigurationPage(
  { session, query, answer, reload }: PageProps & { readonly reload?: ApiAnswer | undefined },
) {
  const find = (query["find"] ?? "").toLowerCase();
  const items = answer.ok ? answer.body.items as readonly SettingItem[] : [];
  const shown = items.filter(({ key }) => key.toLowerCase().includes(find));
  return (
    <Layout title="Configuration" path="/console/configuration" session={session}>
      <form method="get" class="filters" role="search" aria-label="Configuration">
        <FormField label="Key contains" name="find" value={query["find"]} />
        <FormField label="Context" name="context" value={query["context"]} />
        <FormField label="User" name="user" value={query["user"]} />
        <button type="submit">Show</button>
      </form>
      {isOperator(session) && (
        <Action session={session} to="/console/configuration/preview">
          <button type="submit">What would a reload change?</button>
        </Action>
      )}
      {reload && <Reload answer={reload} />}
      {!answer.ok
        ? <Problem answer={answer} />
        : (
          <Table caption="Keys" head={["Key", "Value", "Scope", "Origin", "Applies"]}>
            {shown.map(({ key, value, scope, source, applies }) => (
              <tr key={key} class={scope === "default" ? "default" : undefined}>
                <td>
                  <Code text={key} />
                </td>
                <td>
                  <Code text={value} />
                </td>
                <td>{scope}</td>
                <td>
                  <Shown text={source ?? "built in"} />
                </td>
                <td>{applies}</td>
              </tr>
            ))}
          </Table>
        )}
    </Layout>
  );
}

function Reload({ answer }: { readonly answer: ApiAnswer }) {
  if (!answer.ok) return <Problem answer={answer} />;
  const { changedKeys, needsRestart } = answer.body as {
    readonly changedKeys: readonly string[];
    readonly needsRestart: readonly string[];
  };
  return (
    <Notice>
      {changedKeys.length === 0 ? "A reload would change no key." : (
        <>
          A reload would change <Shown text={changedKeys.join(", ")} max={2000} />.{" "}
          {needsRestart.length > 0 && (
            <>
              Only after a restart: <Shown text={needsRestart.join(", ")} max={2000} />.
            </>
          )}
        </>
      )}
    </Notice>
  );
}
