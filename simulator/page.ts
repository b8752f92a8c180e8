/**
 * The simulator's page: received pushes, newest first, and a form for faults. One self-contained
 * document; it shows everything as text, never as markup.
 */

/** The HTML document. */
export const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Carillon simulator</title>
<style>
  :root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
  body { max-width: 70rem; margin: 1.5rem auto; padding: 0 1rem; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; vertical-align: top; }
  td pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 13px; }
  .token { overflow-wrap: anywhere; max-width: 14rem; }
  .refused { color: #c33; }
  form { display: flex; gap: .5rem; flex-wrap: wrap; margin: 1rem 0; }
  input { flex: 1; min-width: 8rem; }
</style>
<h1>Carillon simulator</h1>
<p>Fake APNs, FCM, GCM, WNS and Web Push. What they received, newest first; <span id="counts"></span></p>
<form id="fault">
  <select name="provider">
    <option>apn<option>fcm<option>gcm<option>wns<option>webpush
    <option>google-token<option>wns-token<option>entra-token
  </select>
  <input name="token" value="*" aria-label="token">
  <input name="script" placeholder="500 twice, then gone; empty: none" aria-label="script">
  <button>Set fault</button>
  <button type="button" id="clear">Clear the log</button>
  <output id="message"></output>
</form>
<table>
  <thead><tr><th>time<th>provider<th>token<th>answer<th>payload</thead>
  <tbody id="received"></tbody>
</table>
<script>
  const $ = (id) => document.getElementById(id);
  const MAX_ROWS = 200;
  let after = 0;

  function cell(row, text, className) {
    const cell = row.insertCell();
    if (className) cell.className = className;
    cell.textContent = text;
    return cell;
  }

  function show(push) {
    const row = $("received").insertRow(0);
    cell(row, new Date(push.at).toLocaleTimeString());
    cell(row, push.provider);
    cell(row, push.token, "token");
    const accepted = push.status >= 200 && push.status < 300 && !push.reason;
    const answer = [push.status || "none", push.reason].filter(Boolean).join(" ");
    cell(row, answer, accepted ? "" : "refused");
    const payload = document.createElement("pre");
    payload.textContent = typeof push.payload === "string"
      ? push.payload
      : JSON.stringify(push.payload, undefined, 2) ?? "";
    row.insertCell().append(payload);
    while ($("received").rows.length > MAX_ROWS) $("received").deleteRow(-1);
  }

  async function refresh() {
    try {
      const answer = await (await fetch("/api/arrivals?after=" + after)).json();
      for (const push of answer.arrivals) {
        after = push.sequence;
        show(push);
      }
      $("counts").textContent = Object.entries(answer.counts)
        .map(([name, { accepted, refused }]) =>
          name + ": " + accepted + " accepted, " + refused + " refused")
        .join("; ") || "nothing yet.";
    } catch {
      $("counts").textContent = "the simulator does not answer.";
    }
    setTimeout(refresh, 1000);
  }

  $("fault").onsubmit = async (event) => {
    event.preventDefault();
    const body = JSON.stringify(Object.fromEntries(new FormData($("fault"))));
    const headers = { "content-type": "application/json" };
    const answer = await fetch("/api/faults", { method: "POST", headers, body });
    const { faults, error } = await answer.json();
    $("message").value = error ?? faults.length + " set";
  };
  $("clear").onclick = async () => {
    await fetch("/api/arrivals", { method: "DELETE" });
    $("received").replaceChildren();
  };
  refresh();
</script>
</html>
`;
