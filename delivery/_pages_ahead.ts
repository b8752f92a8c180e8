/**
 * Reads the pages of a fan-out ahead while earlier ones are accepted: each takes a few reads of the
 * store one after the other, and a busy node would have nothing to send meanwhile.
 */

import { type OpenPage, openPage, type PageSources } from "./_fanout_pages.ts";
import { type FanoutRecord, movedOn } from "./_fanout_records.ts";

/** A page, and the record once it is accepted. */
interface PageAhead {
  readonly open: OpenPage;
  readonly moved: FanoutRecord;
}

/** Pages that are in memory, at most. */
const AHEAD = 3;

/** The pages of a fan-out from where its record is. */
export class PagesAhead {
  readonly #record: FanoutRecord;
  readonly #sources: PageSources;
  readonly #pages: Promise<PageAhead>[] = [];

  constructor(record: FanoutRecord, sources: PageSources) {
    this.#record = record;
    this.#sources = sources;
  }

  /** Returns the next page; there must be one. Rejects where it cannot be read. */
  next(): Promise<PageAhead> {
    if (this.#pages.length === 0) this.#pages.push(this.#read(this.#record));
    while (this.#pages.length <= AHEAD) {
      const page = this.#pages.at(-1)!.then(({ moved }) =>
        moved.state === "done" ? NEVER : this.#read(moved)
      );
      page.catch(() => {}); // whoever needs it sees it
      this.#pages.push(page);
    }
    return this.#pages.shift()!;
  }

  async #read(record: FanoutRecord): Promise<PageAhead> {
    const open = await openPage(record, this.#sources);
    return { open, moved: movedOn(record, open) };
  }
}

const NEVER = new Promise<never>(() => {});
