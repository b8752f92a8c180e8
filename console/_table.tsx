/** Tables, which are cards on a phone, and what leads from one page of a list to the next. */

import type { Child } from "hono/jsx";
import type { PagePath, PageQuery } from "./_layout.tsx";

/** The cells of a row by the names of their columns. */
export type TableRow = Readonly<Record<string, Child>>;

/**
 * A table that scrolls within itself. On a narrow screen each row is a card that has the name of the
 * column beside each cell; the roles keep it a table for those who do not see it.
 *
 * @param rows one or more, with the same columns
 */
export function Table(
  { caption, rows }: { readonly caption: string; readonly rows: readonly TableRow[] },
) {
  return (
    <div class="scroll" tabindex={0} role="region" aria-label={caption}>
      <table role="table">
        <caption>{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {Object.entries(rows[0]!).map(([name, cell]) => (
              <th key={name} scope="col" role="columnheader" class={classOf(cell)}>{name}</th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row, at) => (
            <tr key={at} role="row">
              {Object.entries(row).map(([name, cell]) => (
                <td key={name} role="cell" data-column={name} class={classOf(cell)}>
                  {typeof cell === "number" ? cell.toLocaleString("en") : cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function classOf(cell: Child): string | undefined {
  return typeof cell === "number" ? "number" : undefined;
}

/** Leads to the next page of a list; nothing where there is none. */
export function NextPage(
  { path, query, next, children }: {
    /** Not left out: below the result of an action the address is that of the action. */
    readonly path: PagePath;
    readonly query: PageQuery;
    /** The cursor. */
    readonly next: string | undefined;
    readonly children?: Child;
  },
) {
  if (next === undefined) return null;
  return (
    <p>
      <a class="button" href={`${path}?${new URLSearchParams({ ...query, cursor: next })}`}>
        {children}
      </a>
    </p>
  );
}
