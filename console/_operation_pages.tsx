/** The pages "Dead letters", "Credentials" and "Configuration". */

import type { NodeReport } from "../core/node_report.ts";
import { TRANSPORTS } from "../core/subscription.ts";
import { Action, Layout, Notice, type PageQuery, Problem, Search } from "./_layout.tsx";
import { useIsOperator } from "./_render.tsx";
import { NextPage, Table } from "./_table.tsx";
import { Code, NotificationLink, Shown, State, Time, UserLink } from "./_text.tsx";
import type { ApiAnswer } from "./tickets.ts";

interface PageProps {
  readonly query: PageQuery;
  readonly answer: ApiAnswer;
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
export function DeadLettersPage({ query, answer }: PageProps) {
  return (
    <Layout title="Dead letters" path="/console/dead-letters">
      <Search
        path="/console/dead-letters"
        label="Dead letters"
        query={query}
        fields={[
          { label: "Context", name: "context" },
          { label: "Client", name: "client" },
          { label: "Transport", name: "transport", choices: TRANSPORTS },
        ]}
      />
      {answer.ok ? <DeadLetterList query={query} answer={answer} /> : <Problem answer={answer} />}
    </Layout>
  );
}

function DeadLetterList({ query, answer: { body } }: PageProps) {
  const items = body.items as readonly DeadLetterItem[];
  const { cursor: _cursor, ...filter } = query;
  if (items.length === 0) {
    return (
      <p>
        {Object.keys(query).length > 0 ? "No dead letter matches." : "Nothing has been given up."}
      </p>
    );
  }
  return (
    <>
      <Action
        to="/console/dead-letters/replay"
        values={filter}
        confirm="Send all dead letters that match again, up to 1,000?"
      >
        <button type="submit">Replay all that match</button>
      </Action>
      <Table
        caption="Dead letters, the oldest first"
        rows={items.map((letter) => ({
          At: <Time at={letter.at} />,
          Context: <Shown text={letter.context} />,
          User: <UserLink context={letter.context} user={letter.user} />,
          Topic: <Shown text={letter.topic} />,
          Target: (
            <>
              {letter.transport} of <Shown text={letter.client} />
            </>
          ),
          Reason: <Shown text={letter.reason} />,
          Attempts: letter.attempts,
          Notification: <NotificationLink id={letter.notification} />,
          Action: (
            <Action
              to="/console/dead-letters/replay"
              values={{ ...filter, id: letter.id }}
            >
              <button type="submit">Replay</button>
            </Action>
          ),
        }))}
      />
      <NextPage path="/console/dead-letters" query={filter} next={body.next}>More</NextPage>
    </>
  );
}

/** The credentials of all clients on all nodes. */
export function CredentialsPage({ answer }: Pick<PageProps, "answer">) {
  const reports = answer.ok ? answer.body.items as readonly NodeReport[] : [];
  const rows = reports.flatMap(({ node, credentials, queues }) =>
    credentials.map(({ transport, client, environment, ready, daysLeft, detail }) => {
      const last = queues.find((queue) => queue.transport === transport && queue.client === client)
        ?.last;
      return {
        Transport: transport,
        Client: <Shown text={client} />,
        Environment: <Shown text={environment ?? "not known"} />,
        Node: <Code text={node} />,
        State: <State of={ready ? "ready" : "not ready"} />,
        "Days left": daysLeft ?? "no end known",
        "Last answer": last
          ? (
            <>
              <State of={last.outcome} reason={last.reason} />{" "}
              <Time at={new Date(last.at).toISOString()} />
            </>
          )
          : "none since the start",
        Problem: <Shown text={detail ?? "none"} />,
      };
    })
  );
  return (
    <Layout title="Credentials" path="/console/credentials">
      {!answer.ok
        ? <Problem answer={answer} />
        : rows.length === 0
        ? <p>No provider is configured.</p>
        : <Table caption="Credentials" rows={rows} />}
      {useIsOperator() && <ReloadAction />}
    </Layout>
  );
}

function ReloadAction() {
  return (
    <Action to="/console/credentials/reload">
      <button type="submit">Reload configuration and credentials</button>
    </Action>
  );
}

interface SettingItem {
  readonly key: string;
  readonly value: string;
  readonly scope: string;
  readonly source?: string;
  readonly applies: string;
}

const SCOPES = ["user", "context", "contextSets", "server", "reseller", "default"];

/** The keys of the server or of a user, and what a reload would change. */
export function ConfigurationPage({ query, answer }: PageProps) {
  const { find = "", scope: wanted, context, user } = query;
  const items = answer.ok ? answer.body.items as readonly SettingItem[] : [];
  const shown = items.filter(({ key, scope }) =>
    key.toLowerCase().includes(find.toLowerCase()) && (wanted === undefined || scope === wanted)
  );
  return (
    <Layout title="Configuration" path="/console/configuration">
      <Search
        path="/console/configuration"
        label="Configuration"
        query={query}
        fields={[
          { label: "Key contains", name: "find" },
          { label: "Scope", name: "scope", choices: SCOPES },
          { label: "Context", name: "context" },
          { label: "User", name: "user" },
        ]}
      />
      {useIsOperator() && (
        <Action to="/console/configuration/preview" values={query}>
          <button type="submit">What would a reload change?</button>
        </Action>
      )}
      {(context === undefined) !== (user === undefined) && (
        <Notice kind="error">
          These are the keys of the server. Name both a context and a user to see a user's.
        </Notice>
      )}
      {!answer.ok
        ? <Problem answer={answer} />
        : shown.length === 0
        ? <p>No key matches.</p>
        : (
          <Table
            caption="Keys"
            rows={shown.map(({ key, value, scope, source, applies }) => ({
              Key: <Code text={key} />,
              Value: value === "" ? <small>empty</small> : <Code text={value} />,
              Scope: <span class={scope}>{scope}</span>,
              Origin: <Shown text={source ?? "built in"} />,
              Applies: applies,
            }))}
          />
        )}
    </Layout>
  );
}

/** What a reload would change. */
export function ReloadPreview({ answer }: Pick<PageProps, "answer">) {
  const { changedKeys, needsRestart } = answer.body as {
    readonly changedKeys: readonly string[];
    readonly needsRestart: readonly string[];
  };
  if (changedKeys.length === 0) return <Notice>A reload would change no key.</Notice>;
  return (
    <>
      <Notice>
        A reload would change <Shown text={changedKeys.join(", ")} max={2000} />.{" "}
        {needsRestart.length > 0 && (
          <>
            Only after a restart: <Shown text={needsRestart.join(", ")} max={2000} />.
          </>
        )}
      </Notice>
      <ReloadAction />
    </>
  );
}
