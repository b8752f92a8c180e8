/** Compares the sizes of a process before and after a load. Pure. */

/** The size of a process. */
export interface Size {
  readonly residentMiB: number;
  readonly heapMiB: number;
  /** Open files, sockets and pipes. */
  readonly descriptors: number;
}

/** A connection or two may be open by chance; the data file has its own. */
const MORE_DESCRIPTORS = 8;
const MORE_HEAP_MIB = 16;
/** Allocators keep memory that they had at the peak, in pieces: half as much again, plus some. */
const RESIDENT_FACTOR = 1.5;
const MORE_RESIDENT_MIB = 32;

/** Returns descriptions of what has grown by more than chance explains. */
export function growthOf(before: Size, after: Size): readonly string[] {
  const bounds = {
    descriptors: before.descriptors + MORE_DESCRIPTORS,
    heapMiB: before.heapMiB + MORE_HEAP_MIB,
    residentMiB: before.residentMiB * RESIDENT_FACTOR + MORE_RESIDENT_MIB,
  };
  return (Object.keys(bounds) as (keyof Size)[])
    .filter((key) => after[key] > bounds[key])
    .map((key) => `${key}: from ${before[key]} to ${after[key]}`);
}
