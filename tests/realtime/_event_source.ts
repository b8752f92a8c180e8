/** A reader of server-sent events that shows each message as it came on the wire. */

import { createParser, type EventSourceMessage } from "eventsource-parser";
import { until } from "../support/until.ts";

/** An open stream, or a refused one. */
export class StreamReader implements Disposable {
  readonly messages: EventSourceMessage[] = [];
  /** Everything that came. */
  text = "";
  /** Milliseconds that the service asked for. */
  retryMs: number | undefined;
  hasEnded = false;
  readonly response: Response;
  readonly #ending: AbortController;

  constructor(response: Response, ending: AbortController) {
    this.response = response;
    this.#ending = ending;
    void this.#read();
  }

  /** The data of the events that were published. */
  get heard(): readonly unknown[] {
    return this.named(undefined).map(({ data }) => JSON.parse(data).data);
  }

  named(event: string | undefined): readonly EventSourceMessage[] {
    return this.messages.filter((message) => message.event === event);
  }

  async received(event: string | undefined, count = 1): Promise<readonly EventSourceMessage[]> {
    await until(`${count} of ${event ?? "message"}`, () => this.named(event).length >= count);
    return this.named(event);
  }

  async ended(): Promise<void> {
    await until("the stream has ended", () => this.hasEnded);
  }

  [Symbol.dispose](): void {
    this.#ending.abort();
  }

  async #read(): Promise<void> {
    const parser = createParser({
      onEvent: (message) => void this.messages.push(message),
      onRetry: (ms) => void (this.retryMs = ms),
    });
    try {
      for await (const text of this.response.body!.pipeThrough(new TextDecoderStream())) {
        this.text += text;
        parser.feed(text);
      }
    } catch {
      // Aborted by the test.
    }
    this.hasEnded = true;
  }
}

/** Opens a stream at an address. */
export async function openStream(
  address: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<StreamReader> {
  const ending = new AbortController();
  return new StreamReader(await fetch(address, { headers, signal: ending.signal }), ending);
}
