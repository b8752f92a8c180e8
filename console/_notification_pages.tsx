/** The pages of notifications: the list with its filters, and one with its story. */

import { NOTIFICATION_STATES } from "../core/ledger.ts";
import { Action, Layout, type PageQuery, Problem, Search } from "./_layout.tsx";
import { type NotificationRecord, Story } from "./_story.tsx";
import { useIsOperator } from "./_render.tsx";
import { NextPage, Table } from "./_table.tsx";
import { NotificationLink, Shown, State, Time, UserLink } from "./_text.tsx";
import type { ApiAnswer } from "./tickets.ts";

/** The list. */
export function NotificationsPage(
  { answer, query }: { readonly answer: ApiAnswer; readonly query: PageQuery },
) {
  return (
    <Layout title="Notifications" path="/console/notifications">
      <Search
        path="/console/notifications"
        label="Notifications"
        query={query}
        fields={[
          { label: "Context", name: "context" },
          { label: "User", name: "user" },
          { label: "Topic", name: "topic" },
          { label: "State", name: "state", choices: NOTIFICATION_STATES },
        ]}
      />
      {answer.ok ? <List answer={answer} query={query} /> : <Problem answer={answer} />}
    </Layout>
  );
}

function List(
  { answer: { body }, query }: { readonly answer: ApiAnswer; readonly query: PageQuery },
) {
  const items = body.items as readonly NotificationRecord[];
  const isSearch = Object.keys(query).length > 0;
  return (
    <>
      {items.length === 0
        ? <p>{isSearch ? "No notification matches." : "No notification has been accepted yet."}</p>
        : (
          <Table
            caption="Notifications, the newest first"
            rows={items.map((record) => ({
              Accepted: <Time at={record.acceptedAt} />,
              Context: <Shown text={record.context} />,
              User: record.users
                ? `many: ${record.users.count.toLocaleString("en")}`
                : <UserLink context={record.context} user={record.user!} />,
              Topic: <Shown text={record.topic} />,
              State: <StateOf {...record} />,
              Id: <NotificationLink id={record.id} />,
            }))}
          />
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
      <NextPage path="/console/notifications" query={query} next={body.next}>Older</NextPage>
    </>
  );
}

function StateOf(
  { state = "not kept", reason, deliverAt }: Pick<UserItem, "state" | "reason" | "deliverAt">,
) {
  return (
    <>
      <State of={state} reason={reason} />
      {deliverAt !== undefined && (
        <>
          {" "}for <Time at={deliverAt} />
        </>
      )}
    </>
  );
}

/** What the page of one notification shows. */
interface NotificationPageProps {
  /** The record. */
  readonly answer: ApiAnswer;
  /** Those that were merged into it; absent where that cannot be. */
  readonly merged?: ApiAnswer | undefined;
  /** Some of its users; absent where it is to one. */
  readonly users?: UserItems | undefined;
}

/** One notification. */
export function NotificationPage(props: NotificationPageProps) {
  const { answer } = props;
  return (
    <Layout title="Notification" path="/console/notifications">
      {answer.ok ? <Details {...props} /> : <Problem answer={answer} />}
    </Layout>
  );
}

function Details({ answer, merged, users }: NotificationPageProps) {
  const record = answer.body as NotificationRecord;
  return (
    <>
      <Story record={record} merged={merged?.body} />
      <p class="actions">
        {!record.users && <a class="button" href={`/console/why?id=${record.id}`}>Why?</a>}
        <a class="button" href={`/console/notifications/${record.id}`}>Look again</a>
      </p>
      {useIsOperator() && mayCancel(record) && (
        <Action
          to="/console/notifications/cancel"
          values={{ id: record.id }}
          confirm="Cancel what is not sent? It cannot be taken back."
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
  /** Absent where it is not accepted yet. */
  readonly id?: string;
  readonly user: string;
  /** Absent where the record is not kept any more. */
  readonly state?: string;
  readonly reason?: string;
  readonly deliverAt?: string;
}

/** Users of a notification to many. */
export interface UserItems {
  readonly items: readonly UserItem[];
  /** Names those after them; absent where there are none. */
  readonly next?: string | undefined;
}

/** How far a notification to many users is, and some of them. */
function Users(
  { record: { id, context, users, state }, page }: {
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
        <Table
          caption="Users and their notifications"
          rows={page.items.map((item) => ({
            User: <UserLink context={context} user={item.user} />,
            State: <StateOf {...item} />,
            Notification: item.id === undefined
              ? "not accepted yet"
              : <NotificationLink id={item.id} />,
          }))}
        />
      )}
      {page.next !== undefined && (
        <p>
          <a class="button" href={`/console/notifications/${id}?users=${page.next}`}>More users</a>
        </p>
      )}
    </section>
  );
}
