/** The frame of every page: head, navigation, and the forms that change something. */

import type { Child } from "hono/jsx";
import { useIsOperator, usePage } from "./_render.tsx";
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

/** The fields of a page's address that are not empty. */
export type PageQuery = Readonly<Record<string, string>>;

/** The path of a page. */
export type PagePath = typeof PAGES[number][0];

interface LayoutProps {
  readonly title: string;
  readonly path?: PagePath;
  /** The module of this page below `/console/static/`. */
  readonly script?: string;
  /** Where the page leads by itself, at once. */
  readonly leadsTo?: string;
  readonly children?: Child;
}

/** A whole page. */
export function Layout({ title, path, script, leadsTo, children }: LayoutProps) {
  const { session, shown } = usePage();
  const scripts = ["console.js", ...script === undefined ? [] : [script]];
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
          {session && <Navigation path={path} />}
        </header>
        <main id="main" tabindex={-1}>
          <h1>{title}</h1>
          {shown && <div class="result" tabindex={-1} autofocus>{shown}</div>}
          {children}
        </main>
      </body>
    </html>
  );
}

function Navigation({ path }: { readonly path: PagePath | undefined }) {
  const { name, principal } = usePage().session!;
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
      <Action to="/console/sign-out" class="sign-out">
        <span>
          <Shown text={name ?? principal.id} max={40} /> ({useIsOperator() ? "operator" : "viewer"})
        </span>
        <button type="submit">Sign out</button>
      </Action>
    </>
  );
}

interface ActionProps {
  readonly to: string;
  /** Values that the form sends besides its visible fields. */
  readonly values?: Readonly<Record<string, string | undefined>>;
  readonly class?: string;
  readonly id?: string;
  /** The question before it is done, for what cannot be taken back. */
  readonly confirm?: string;
  readonly children?: Child;
}

/** A form that changes something; it carries the token of the session. */
export function Action({ to, values = {}, class: name, id, confirm, children }: ActionProps) {
  return (
    <form method="post" action={to} class={name} id={id} data-confirm={confirm}>
      <input type="hidden" name="csrf" value={usePage().session!.csrf} />
      {Object.entries(values).map(([name, value]) =>
        value !== undefined && <input key={name} type="hidden" name={name} value={value} />
      )}
      {children}
    </form>
  );
}

/** A form that asks for a page again, with other fields. */
export function Search(
  { path, label, button = "Show", query, fields }: {
    readonly path: PagePath;
    readonly label: string;
    readonly button?: string;
    readonly query: PageQuery;
    readonly fields: readonly Omit<FieldProps, "value">[];
  },
) {
  return (
    <form method="get" action={path} class="filters" role="search" aria-label={label}>
      {fields.map((field) => <FormField key={field.name} {...field} value={query[field.name]} />)}
      <button type="submit">{button}</button>
    </form>
  );
}

interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly value?: string | undefined;
  readonly required?: boolean;
  readonly hint?: string;
  /** The allowed values; makes it a list to choose from. */
  readonly choices?: readonly string[];
}

/** A labelled input. */
export function FormField({ label, name, value, required, hint, choices }: FieldProps) {
  const id = `field-${name}`;
  return (
    <p class="field">
      <label for={id}>{label}</label>
      {choices
        ? (
          <select id={id} name={name}>
            <option value="">any</option>
            {choices.map((choice) => (
              <option key={choice} value={choice} selected={choice === value}>
                {choice.replaceAll("_", " ")}
              </option>
            ))}
          </select>
        )
        : (
          <input
            id={id}
            name={name}
            value={value ?? ""}
            required={required}
            aria-describedby={hint && `${id}-hint`}
            autocomplete="off"
            spellcheck={false}
          />
        )}
      {hint && <small id={`${id}-hint`}>{hint}</small>}
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
