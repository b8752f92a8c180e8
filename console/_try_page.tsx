/** The page "Try it": publish, and watch it arrive in an inbox that connects as a user. */

import { Action, FormField, Layout, Notice } from "./_layout.tsx";
import { useIsOperator } from "./_render.tsx";

const EXAMPLE = JSON.stringify(
  {
    folder: "default0/INBOX",
    id: "113",
    displayname: "Jane Doe",
    email: "jane.doe@example.com",
    subject: "Let's meet",
    unread: 83,
  },
  null,
  2,
);

/** The page. */
export function TryPage({ clients }: { readonly clients: readonly string[] }) {
  return (
    <Layout title="Try it" path="/console/try" script="try.js">
      {!useIsOperator()
        ? <Notice>Publishing needs an operator: sign in with a key with scope admin.</Notice>
        : <Panels clients={clients} />}
    </Layout>
  );
}

function Panels({ clients }: { readonly clients: readonly string[] }) {
  return (
    <div class="columns">
      <section>
        <h2>Publish</h2>
        <Action to="/console/try/publish" id="publish">
          <FormField label="Context" name="context" value="1" required />
          <FormField label="User" name="user" value="3" required />
          <FormField label="Topic" name="topic" value="ox:mail:new" required />
          <p class="field">
            <label for="field-data">Data (a JSON object)</label>
            <textarea id="field-data" name="data" rows={9} spellcheck={false}>{EXAMPLE}</textarea>
          </p>
          <button type="submit">Publish</button>
        </Action>
        <p id="published" role="status"></p>
      </section>
      <section>
        <h2>Inbox</h2>
        <p>
          Opens a socket as the user of the form, like a browser tab of theirs. It needs a session,
          which ends after ten minutes.
        </p>
        <p class="field">
          <label for="inbox-client">Client</label>
          <select id="inbox-client">
            {clients.map((client) => <option key={client} value={client}>{client}</option>)}
          </select>
        </p>
        <button type="button" id="connect">Connect</button>
        <p id="connection" role="status">not connected</p>
        <ol id="inbox" class="timeline" aria-label="Received" aria-live="polite"></ol>
      </section>
    </div>
  );
}
