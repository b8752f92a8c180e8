/**
 * What the packed client does on every runtime: publishes, and receives what it published, also what
 * came while no stream was open. Returns what it has seen.
 */

export async function tryClient({ Carillon, CarillonError, stream }, { url, key }) {
  const carillon = new Carillon({ url, credential: key });
  const { token } = await carillon.mintSession({ context: "1", user: "3" }, { ttl: 600 });
  const notification = (n) => ({ context: "1", user: "3", topic: "acme:a", data: { n } });
  const seen = [];

  async function take(count, after) {
    let offset = after;
    const opened = stream({
      ...{ url, session: () => token, connection: "portable", after },
      onState: async ({ state, recovered }) => {
        if (state !== "open") return;
        seen.push(recovered ? "recovered" : "open");
        if (!recovered) await carillon.publishBatch([notification(1), notification(2)]);
      },
    });
    for await (const event of opened) {
      seen.push(event.data.n);
      offset = event.offset;
      if (--count === 0) break;
    }
    return offset;
  }

  const offset = await take(2);
  const id = await carillon.publish(notification(3));
  await take(1, offset);
  const { state } = await carillon.notification(id);
  seen.push(typeof state === "string");
  try {
    await carillon.publish({ ...notification(4), topic: "no topic" });
  } catch (error) {
    seen.push(error instanceof CarillonError && error.code);
  }
  return seen;
}
