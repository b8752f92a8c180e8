/** An open loop: publishes start at their time, whether the previous ones were answered or not. */

/** Calls `publish` with 0, 1, 2, … at a rate; resolves when the last call is answered. */
export async function pacedPublish(
  publish: (n: number) => Promise<unknown>,
  { perSecond, total }: { readonly perSecond: number; readonly total: number },
): Promise<void> {
  const begun = performance.now();
  const sent: Promise<unknown>[] = [];
  while (sent.length < total) {
    const due = Math.min(total, Math.floor((performance.now() - begun) / 1000 * perSecond) + 1);
    while (sent.length < due) sent.push(publish(sent.length));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(sent);
}
