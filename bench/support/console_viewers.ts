/** Viewers of the console: each is signed in, and reads the live stream as a browser does. */

import type { CarillonProcess } from "./carillon_process.ts";

/** Some viewers. */
export interface ConsoleViewers {
  /** Resolves when each of them has read so many events since the last call. */
  read(events: number): Promise<void>;
  /** Returns the bytes that one event has on average. */
  bytesPerEvent(): number;
  /** Closes the streams. */
  close(): Promise<void>;
}

/** Opens streams; resolves when each has its first event. */
export async function openViewers(
  { port, adminKey }: Pick<CarillonProcess, "port" | "adminKey">,
  count: number,
): Promise<ConsoleViewers> {
  const address = `http://127.0.0.1:${port}/console`;
  const answer = await fetch(`${address}/sign-in`, {
    method: "POST",
    body: new URLSearchParams({ key: adminKey }),
    redirect: "manual",
  });
  await answer.body?.cancel();
  const [cookie] = (answer.headers.get("set-cookie") ?? "").split(";");
  if (!cookie) throw new Error(`Cannot sign in to the console: ${answer.status}`);
  const viewers = await Promise.all(
    Array.from({ length: count }, () => openViewer(`${address}/live`, cookie)),
  );
  const sum = (of: (viewer: Viewer) => number) => viewers.reduce((all, each) => all + of(each), 0);
  const read = async (events: number) => {
    await Promise.all(viewers.map((viewer) => viewer.read(events)));
  };
  await read(1);
  return {
    read,
    bytesPerEvent: () => sum(({ bytes }) => bytes) / sum(({ events }) => events),
    async close() {
      await Promise.all(viewers.map((viewer) => viewer.close()));
    },
  };
}

interface Viewer {
  bytes: number;
  events: number;
  read(events: number): Promise<void>;
  close(): Promise<void>;
}

async function openViewer(url: string, cookie: string): Promise<Viewer> {
  const response = await fetch(url, { headers: { cookie } });
  if (response.status !== 200) throw new Error(`Cannot open the live stream: ${response.status}`);
  const reader = response.body!.getReader();
  const viewer: Viewer = {
    bytes: 0,
    events: 0,
    async read(events) {
      for (const end = viewer.events + events; viewer.events < end;) {
        const { done, value } = await reader.read();
        if (done) throw new Error("The live stream has ended");
        viewer.bytes += value.length;
        // An event ends with an empty line, and is one chunk or the end of one.
        if (value.at(-1) === LINE_FEED && value.at(-2) === LINE_FEED) viewer.events++;
      }
    },
    close: () => reader.cancel(),
  };
  return viewer;
}

const LINE_FEED = 10;
