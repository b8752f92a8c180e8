/** The pages of notifications: the list with its filters, and one with its story. */

import { NOTIFICATION_STATES } from "../core/ledger.ts";
import { Action, FormField, isOperator, Layout, Notice, Problem, Table } from "./_layout.tsx";
import { type NotificationRecord, Story } from "./_story.tsx";
import type { ConsoleSession } from "./sessions.ts";
import { Code, Shown, State, Time } from "./_text.tsx";
import type { ApiAnswer } from "./tickets.ts";

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
          head={["Accepted (UTC)", "Context", "User", "Topic", "State", "Id"]}
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
                {record.users
                  ? `many: ${record.users.count.toLocaleString("en")}`
                  : <Shown text={record.user} />}
              </td>
              <td>
                <Shown text={record.topic} />
              </td>
              <td>
                <State of={record.state} />{" "}
                {record.reason !== undefined && <Shown text={record.reason} />}
                {record.deliverAt !== undefined && (
                  <>
                    for <Time at={record.deliverAt} />
                  </>
                )}
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

/** What the page of one notification shows. */
interface NotificationPageProps {
  readonly session: ConsoleSession;
  /** The record. */
  readonly answer: ApiAnswer;
  /** Those that were merged into it; absent where that cannot be. */
  readonly merged?: ApiAnswer | undefined;
  /** Some of its users; absent where it is to one. */
  readonly users?: UserItems | undefined;
  readonly notice?: string | undefined;
}

/** One notification. */
export function NotificationPage(props: NotificationPageProps) {
  const { session, answer, notice } = props;
  return (
    <Layout title="Notification" path="/console/notifications" session={session}>
      {notice !== undefined && <Notice>{notice}</Notice>}
      {answer.ok ? <Details {...props} /> : <Problem answer={answer} />}
    </Layout>
  );
}

function Details({ session, answer, merged, users }: NotificationPageProps) {
  const record = answer.body as NotificationRecord;
  return (
    <>
      <Story record={record} merged={merged?.body} />
      <p class="actions">
        {!record.users && <a class="button" href={`/console/why?id=${record.id}`}>Why?</a>}
        <a class="button" href={`/console/notifications/${record.id}`}>Look again</a>
      </p>
      {isOperator(session) && mayCancel(record) && (
        <Action
          session={session}
          to="/console/notifications/cancel"
          values={{ id: record.id }}
        >
          <button type="submit" class="danger">Cancel what is not sent</button>
        </Action>
      )}
      {users && <Users record={record} page={users} />}
    </>
  );
}

/** Whether something of it may not have been sent yet. */
function mayCancel({ state, users, targets }: NotificationRecord): boolean {
  return state === "scheduled" || (users !== undefined && state === "in_flight") ||
    targets.some(({ state }) => state === "held" || state === "retrying");
}

interface UserItem {
  readonly id: string;
  readonly user?: string;
  /** Absent where the record is not kept any more. */
  readonly state?: string;
  readonly reason?: string;
}

/** Users of a notification to many. */
export interface UserItems {
  readonly items: readonly UserItem[];
  /** Names those after them; absent where there are none. */
  readonly next?: string | undefined;
}

/** How far a notification to many users is, and some of them. */
function Users(
  { record: { id, users, state }, page }: {
    readonly record: NotificationRecord;
    readonly page: UserItems;
  },
) {
  const { count, states } = users!;
  const settled = Object.values(states).reduce((sum, each) => sum + each, 0);
  return (
    <section>
      <h2>Users</h2>
      <p class="field">
        <label for="settled">
          {settled.toLocaleString("en")} of {count.toLocaleString("en")}{" "}
          {state === "in_flight" ? "users so far" : "users"} are settled
        </label>
        <progress id="settled" value={settled} max={Math.max(1, count)}></progress>
      </p>
      <ul class="tags">
        {Object.entries(states).map(([name, number]) => (
          <li key={name}>
            <State of={name} /> {number.toLocaleString("en")}
          </li>
        ))}
      </ul>
      {page.items.length > 0 && (
        <Table caption="Users and their notifications" head={["User", "State", "Notification"]}>
          {page.items.map((item) => (
            <tr key={item.id}>
              <td>
                <Shown text={item.user} />
              </td>
              <td>
                <State of={item.state ?? "not kept"} />{" "}
                {item.reason !== undefined && <Shown text={item.reason} />}
              </td>
              <td>
                <a href={`/console/notifications/${item.id}`}>
                  <Code text={item.id} />
                </a>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {page.next !== undefined && (
        <p>
          <a class="button" href={`/console/notifications/${id}?users=${page.next}`}>More users</a>
        </p>
      )}
    </section>
  );
}
