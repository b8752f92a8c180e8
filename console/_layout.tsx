/** The frame of every page: head, navigation, and the forms that change something. */

import type { Child } from "hono/jsx";
import { allows } from "../core/principal.ts";
import type { ConsoleSession } from "./sessions.ts";
import { Shown } from "./_text.tsx";

/** The pages in the order of the navigation. */
const PAGES = [
  ["/console", "Now"],
  ["/console/notifications", "Notifications"],
  ["/console/why", "Why"],
  ["/console/users", "Users"],
  ["/console/dead-letters", "Dead letters"],
  ["/console/credentials", "Credentials"],
  ["/console/configuration", "Configuration"],
  ["/console/try", "Try it"],
] as const;

/** The path of a page. */
type PagePath = typeof PAGES[number][0];

interface LayoutProps {
  readonly title: string;
  /** Absent on the page for signing in. */
  readonly session?: ConsoleSession;
  readonly path?: PagePath;
  /** Modules below `/console/static/`. */
  readonly scripts?: readonly string[];
  /** Where the page leads by itself, at once. */
  readonly leadsTo?: string;
  readonly children?: Child;
}

/** Whether a session may change something. */
export function isOperator({ principal }: ConsoleSession): boolean {
  return allows(principal, "admin");
}

/** A whole page. */
export function Layout({ title, session, path, scripts = [], leadsTo, children }: LayoutProps) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>{`${title} · Carillon`}</title>
        {leadsTo !== undefined && <meta http-equiv="refresh" content={`0; url=${leadsTo}`} />}
        <link rel="icon" href="/console/static/icon.svg" />
        <link rel="stylesheet" href="/console/static/style.css" />
        {scripts.map((name) => (
          <script key={name} type="module" src={`/console/static/${name}`}></script>
        ))}
      </head>
      <body data-csrf={session?.csrf}>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <p class="brand">Carillon</p>
          {session && <Navigation session={session} path={path} />}
        </header>
        <main id="main" tabindex={-1}>
          <h1>{title}</h1>
          {children}
        </main>
      </body>
    </html>
  );
}

function Navigation(
  { session, path }: { readonly session: ConsoleSession; readonly path: PagePath | undefined },
) {
  return (
    <>
      <nav aria-label="Pages">
        <ul>
          {PAGES.map(([href, name]) => (
            <li key={href}>
              <a href={href} {...(href === path && { "aria-current": "page" })}>{name}</a>
            </li>
          ))}
        </ul>
      </nav>
      <Action session={session} to="/console/sign-out" class="sign-out">
        <span>
          <Shown text={session.name ?? session.principal.id} max={40} />{" "}
          ({isOperator(session) ? "operator" : "viewer"})
        </span>
        <button type="submit">Sign out</button>
      </Action>
    </>
  );
}

interface ActionProps {
  readonly session: ConsoleSession;
  readonly to: string;
  /** Values that the form sends besides its visible fields. */
  readonly values?: Readonly<Record<string, string | undefined>>;
  readonly class?: string;
  readonly id?: string;
  readonly children?: Child;
}

/** A form that changes something; it carries the token of the session. */
export function Action({ session, to, values = {}, class: name, id, children }: ActionProps) {
  return (
    <form method="post" action={to} class={name} id={id}>
      <input type="hidden" name="csrf" value={session.csrf} />
      {Object.entries(values).map(([name, value]) =>
        value !== undefined && <input key={name} type="hidden" name={name} value={value} />
      )}
      {children}
    </form>
  );
}

interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly value?: string | undefined;
  readonly required?: boolean;
  readonly type?: string;
  /** The allowed values; makes it a list to choose from. */
  readonly choices?: readonly string[];
}

/** A labelled input. */
export function FormField({ label, name, value, required, type = "text", choices }: FieldProps) {
  const id = `field-${name}`;
  return (
    <p class="field">
      <label for={id}>{label}</label>
      {choices
        ? (
          <select id={id} name={name}>
            <option value="">any</option>
            {choices.map((choice) => (
              <option key={choice} value={choice} selected={choice === value}>{choice}</option>
            ))}
          </select>
        )
        : (
          <input
            id={id}
            name={name}
            type={type}
            value={value ?? ""}
            required={required}
            autocomplete="off"
            spellcheck={false}
          />
        )}
    </p>
  );
}

/** A message about what was done, or what failed. */
export function Notice(
  { kind = "info", children }: { readonly kind?: "info" | "error"; readonly children?: Child },
) {
  return <p class={`notice ${kind}`} role={kind === "error" ? "alert" : "status"}>{children}</p>;
}

/** An answer of the API that is not what the page needs. */
export function Problem(
  { answer }: { readonly answer: { readonly status: number; readonly body?: unknown } },
) {
  const { detail, faults = [] } = (answer.body ?? {}) as {
    readonly detail?: string;
    readonly faults?: readonly { readonly path: string; readonly message: string }[];
  };
  return (
    <div class="notice error" role="alert">
      <p>
        <Shown text={detail ?? `The API answered ${answer.status}`} max={1000} />
      </p>
      {faults.length > 0 && (
        <ul>
          {faults.map(({ path, message }) => (
            <li key={path}>
              <Shown text={`${path}: ${message}`} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** A table that scrolls within itself on a narrow screen. */
export function Table(
  { caption, head, children }: {
    readonly caption: string;
    readonly head: readonly string[];
    readonly children?: Child;
  },
) {
  return (
    <div class="scroll" tabindex={0} role="region" aria-label={caption}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>{head.map((name) => <th key={name} scope="col">{name}</th>)}</tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
