/** `top`: a live view of one node, made of its metrics and its readiness. */

import { sleep } from "../../core/clock.ts";
import { type Input, isSet, textOption } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { CliError } from "../exit_codes.ts";
import { readMetrics } from "../../doctor/prometheus_text.ts";
import { createServiceApi, serviceAddressOf } from "../service_api.ts";
import { type TopReading, topText, topView } from "../top_view.ts";

/** Draws until Ctrl-C; off a terminal it writes one block after the other. */
export default async function run(input: Input, deps: CliDeps): Promise<void> {
  const { output, clock, signal, variables } = deps;
  const seconds = Number(textOption(input, "interval"));
  if (!(seconds >= 0.1 && seconds <= 3600)) {
    throw new CliError("usage", "--interval must be a number of seconds from 0.1 to 3600");
  }
  // The internal listener asks for no key, so a missing one is no fault.
  const api = createServiceApi({
    ...{ address: serviceAddressOf(input, deps), fetch: deps.fetch, signal },
    key: variables.CARILLON_KEY || undefined,
  });
  async function read(): Promise<TopReading> {
    return { at: clock.monotonic(), metrics: readMetrics(await api.text("/metrics")) };
  }
  let before = await read();
  for (;;) {
    try {
      await sleep(clock, seconds * 1000, signal);
    } catch (thrown) {
      if (signal.aborted) return;
      throw thrown;
    }
    const now = await read();
    const view = topView(before, now);
    const text = topText(view, { address: api.address, seconds });
    if (isSet(input, "once")) {
      output.result(view, text);
      return;
    }
    if (output.isJson) output.line(view, "");
    else if (output.isTerminal) output.screen(text);
    else output.result(view, `${text}\n`);
    before = now;
  }
}
