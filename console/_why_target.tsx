/** One target on the page "Why": its state, when it is sent to, its layers and its message. */

import { MessageCard, type ShownMessage } from "./_message_card.tsx";
import { Code, Shown, State, Time } from "./_text.tsx";

/** A place of the configuration that was searched. */
export interface SearchedPlace {
  readonly key: string;
  readonly scope: string;
  readonly source?: string;
  readonly value?: string;
  readonly chosen: boolean;
  readonly barred?: boolean;
}

/** A target, as the API explains it. */
export interface ExplainedTarget {
  readonly client: string;
  readonly transport: string;
  readonly subscription?: string;
  readonly send: boolean;
  readonly state?: string;
  readonly reason?: string;
  readonly waits?: string;
  readonly quiet?: { readonly action: string; readonly until: string };
  readonly held?: { readonly reason: string; readonly until: string };
  readonly language?: LanguageBody;
  readonly trail: readonly SearchedPlace[];
  readonly message?: ShownMessage;
}

interface LanguageBody {
  readonly wanted: readonly { readonly locale: string; readonly from: string }[];
  readonly available: readonly string[];
  readonly chosen?: string;
}

/** The card of a target. */
export function TargetCard(
  { target, withoutData = false }: {
    readonly target: ExplainedTarget;
    /** The data of the notification are not known, so texts may be absent. */
    readonly withoutData?: boolean | undefined;
  },
) {
  const { client, transport, subscription, send, state, reason, waits, trail } = target;
  const { language } = target;
  return (
    <article class="card">
      <h3>
        {transport} of <Shown text={client} />
      </h3>
      <p>
        <State of={send ? "would be sent" : state ?? "not sent"} reason={reason} />{" "}
        {subscription === undefined ? "open sockets" : <Code text={subscription} />}
      </p>
      {waits !== undefined && (
        <p class="notice error">
          Messages wait: <Shown text={waits} />
        </p>
      )}
      <Attention {...target} />
      {language && <Language language={language} />}
      <Layers trail={trail} />
      <ShownMessageOf target={target} withoutData={withoutData} />
    </article>
  );
}

function ShownMessageOf(
  { target: { transport, message, quiet }, withoutData }: {
    readonly target: ExplainedTarget;
    readonly withoutData: boolean;
  },
) {
  if (transport === "websocket" || transport === "webhook") {
    return <p>It receives topic and data as they were published.</p>;
  }
  if (!message) return null;
  // Without texts every message looks silent.
  if (withoutData && message.silent && quiet?.action !== "silent") {
    return <p>Its texts depend on the data, which are not known here.</p>;
  }
  return <MessageCard message={message} />;
}

/** The places that were searched, in their order; the one that decides is marked. */
export function Layers({ trail }: { readonly trail: readonly SearchedPlace[] }) {
  return (
    <ol class="layers" aria-label="Layers of the configuration">
      {[...Map.groupBy(trail, ({ key }) => key)].map(([key, steps]) => (
        <li key={key}>
          <Code text={key} max={200} /> {steps.some(({ value }) => value !== undefined)
            ? <ol>{steps.map((step, at) => <Layer key={at} step={step} />)}</ol>
            : <small>not set for {steps.map(({ scope }) => scope).join(", ")}</small>}
        </li>
      ))}
    </ol>
  );
}

function Layer(
  { step: { scope, source, value, chosen, barred } }: { readonly step: SearchedPlace },
) {
  return (
    <li class={chosen ? "chosen" : value === undefined ? "empty" : undefined}>
      <strong>{scope}</strong> {value === undefined ? <span>not set</span> : <Code text={value} />}
      {" "}
      {source !== undefined && (
        <small>
          <Shown text={source} />
        </small>
      )}
      {chosen && <em>decides</em>}
      {barred && <em>without effect: a less specific scope is final</em>}
    </li>
  );
}

/** What quiet hours and escalation change. */
function Attention({ quiet, held }: Pick<ExplainedTarget, "quiet" | "held">) {
  return (
    <>
      {held && (
        <p>
          It waits until <Time at={held.until} />: {held.reason}
          {held.reason === "escalation" && ", unless a socket acknowledges it before"}.
        </p>
      )}
      {quiet && (
        <p>
          Quiet hours: {QUIET_TEXTS[quiet.action] ?? quiet.action}. They end at{" "}
          <Time at={quiet.until} />.
        </p>
      )}
    </>
  );
}

const QUIET_TEXTS: Readonly<Record<string, string>> = {
  drop: "nothing is sent",
  silent: "it is sent without anything to show",
  hold: "it is sent when they end, several as one digest",
};

/** The language of a message, and what was tried. */
function Language({ language: { wanted, available, chosen } }: { language: LanguageBody }) {
  return (
    <p>
      Language: {chosen === undefined ? "that of no language" : <Code text={chosen} />}{" "}
      <small>
        {wanted.length === 0 ? "none is wanted" : (
          <>
            tried{" "}
            <Shown text={wanted.map(({ locale, from }) => `${locale} (${from})`).join(", ")} />
          </>
        )}; the template has <Shown text={available.join(", ")} />
      </small>
    </p>
  );
}
