/** A message as a phone would show it, with the payload that its provider would receive. */

import { Shown } from "./_text.tsx";

/** A rendered message, as the API returns it. */
export interface ShownMessage {
  readonly title?: string;
  readonly body?: string;
  readonly silent: boolean;
  readonly badge?: number;
  readonly payload?: string;
  readonly bytes?: number;
  readonly maxBytes?: number;
  readonly shortened?: readonly string[];
  readonly rejected?: string;
}

const MAX_PAYLOAD = 6_000;

/** The card. */
export function MessageCard({ message }: { readonly message: ShownMessage }) {
  const { title, body, silent, badge, payload, bytes, maxBytes, shortened = [], rejected } =
    message;
  return (
    <div class="message">
      {silent ? <p>Silent: the app wakes up and shows nothing itself.</p> : (
        <div class="phone">
          {title !== undefined && (
            <strong>
              <Shown text={title} />
            </strong>
          )}
          {body !== undefined && (
            <p>
              <Shown text={body} />
            </p>
          )}
          {badge !== undefined && <span class="badge">{badge}</span>}
        </div>
      )}
      {rejected !== undefined && (
        <p class="notice error">
          It could not be sent: <Shown text={rejected} />
        </p>
      )}
      {shortened.length > 0 && (
        <ul>
          {shortened.map((part) => (
            <li key={part}>
              shortened: <Shown text={part} />
            </li>
          ))}
        </ul>
      )}
      {payload !== undefined && (
        <details>
          <summary>Payload, {bytes} of at most {maxBytes} bytes</summary>
          <pre tabindex={0}><Shown text={payload} max={MAX_PAYLOAD} /></pre>
        </details>
      )}
    </div>
  );
}
