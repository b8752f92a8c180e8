/**
 * Reads the pages of a fan-out ahead while earlier ones are accepted: each takes a few reads of the
 * store one after the other, and a busy node would have nothing to send meanwhile.
 */

import { type OpenPage, openPage, type PageSources, type ReadAudience } from "./_fanout_pages.ts";
import { type FanoutRecord, movedOn } from "./_fanout_records.ts";

/** A page, and the record once it is accepted. */
interface PageAhead {
  readonly open: OpenPage;
  readonly moved: FanoutRecord;
}

/** Pages that are in memory, at most. */
const AHEAD = 3;
/** Pages of a group that are read at once. */
const AT_ONCE = 4;

/** The pages of a fan-out from where its record is. */
export class PagesAhead {
  readonly #record: FanoutRecord;
  readonly #sources: PageSources;
  readonly #pages: Promise<PageAhead>[] = [];

  constructor(record: FanoutRecord, sources: PageSources) {
    this.#record = record;
    this.#sources = { ...sources, readAudience: atOnce(sources.readAudience) };
  }

  /** Returns the next page; there must be one. Rejects where it cannot be read. */
  next(): Promise<PageAhead> {
    if (this.#pages.length === 0) this.#pages.push(this.#read(this.#record));
    while (this.#pages.length <= AHEAD) {
      const page = this.#pages.at(-1)!.then(({ open: { isStored }, moved }) =>
        moved.state === "done" ? NEVER : this.#read(moved, !isStored)
      );
      page.catch(() => {}); // whoever needs it sees it
      this.#pages.push(page);
    }
    return this.#pages.shift()!;
  }

  /** @param isNew the one before is not stored, and so this one is not either */
  async #read(record: FanoutRecord, isNew = false): Promise<PageAhead> {
    const open = await openPage(record, this.#sources, { isNew });
    return { open, moved: movedOn(record, open) };
  }
}

/** Reads several pages of a group at once, which takes hardly longer: a page ends at any name. */
function atOnce(readAudience: ReadAudience): ReadAudience {
  type Read = Awaited<ReturnType<ReadAudience>>;
  let left: (Read & { readonly after: string | undefined }) | undefined;
  return async (audience, page) => {
    if (audience.kind !== "group") return await readAudience(audience, page);
    const { after, limit } = page;
    const read: Read = left && left.after === after
      ? left
      : await readAudience(audience, { ...page, limit: AT_ONCE * limit });
    left = undefined;
    if (read.users.length <= limit) return read;
    const users = read.users.slice(0, limit);
    const next = users.at(-1)!;
    left = { ...read, users: read.users.slice(limit), after: next };
    return { users, next };
  };
}

const NEVER = new Promise<never>(() => {});
