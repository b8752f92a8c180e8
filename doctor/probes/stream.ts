/**
 * Reads the stream of server-sent events as a browser does, and sees when its parts arrive. The
 * service sends the event `ready` at once and a comment after each ping interval, so whatever comes
 * later than that was held back on the way.
 */

import type { Clock } from "../../core/clock.ts";
import type { StreamFacts } from "../facts.ts";

/** What probing takes. */
interface StreamProbeOptions {
  readonly session: string;
  /** Absent where there is one client. */
  readonly client: string | undefined;
  /** Milliseconds to wait for the comment; 0: only `ready` is waited for. */
  readonly waitMs: number;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
}

/** Far more than a way around the world and a handshake take. */
const READY_WITHIN_MS = 3_000;

/** Probes the stream at an address; nothing where none is offered there. */
export async function probeStream(
  address: string,
  { session, client, waitMs, fetch, clock }: StreamProbeOptions,
): Promise<StreamFacts | undefined> {
  const aborter = new AbortController();
  const { signal } = aborter;
  const abort = () => aborter.abort();
  let timer = clock.after(READY_WITHIN_MS, abort);
  let isReady = false;
  try {
    const query = client === undefined ? "" : `?client=${encodeURIComponent(client)}`;
    const response = await fetch(`${address}/v1/stream${query}`, {
      headers: { accept: "text/event-stream", authorization: `Bearer ${session}` },
      signal,
    });
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
    if (!response.ok || !response.body || !isStream) return undefined;
    let text = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream(), { signal })) {
      text += chunk;
      const [, after] = /\nevent: ready\n.*?\n\n([^]*)$/s.exec(`\n${text}`) ?? [];
      if (after === undefined) continue;
      if (after !== "" || waitMs === 0) return { kind: "sound" };
      if (!isReady) {
        isReady = true;
        timer.cancel();
        timer = clock.after(waitMs, abort);
      }
    }
    return isReady ? { kind: "closed", withinMs: waitMs } : undefined;
  } catch {
    if (!signal.aborted) return isReady ? { kind: "closed", withinMs: waitMs } : undefined;
    return isReady
      ? { kind: "held", what: "comment", withinMs: waitMs }
      : { kind: "held", what: "ready", withinMs: READY_WITHIN_MS };
  } finally {
    timer.cancel();
    aborter.abort();
  }
}
