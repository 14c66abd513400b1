/**
 * Memory that pieces of files take for a moment. V8 counts what lies outside of its heap, but does not give back what is young before its
 * own few objects fill their space; long before that the count makes it go through everything that is old, dozens of times for a gigabyte.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'minor' }) => void;

// With twice as much V8 begins with what is old.
const COLLECT_EVERY_BYTES = 16 * 1024 * 1024;
// What lies between two collections, the chunks that wait meanwhile, and some objects of the heap's own.
const SLACK_BYTES = 40 * 1024 * 1024;
const QUIET_MS = 5_000;
/*
 * V8 has its own threads help with what is young, and give back what lies outside of the heap. Of pieces of files little is left at the
 * end of each collection: to wake four threads, and to wait for the last of them on processors that are all at work, costs more.
 */
const HELP = ['parallel-scavenge', 'concurrent-array-buffer-sweeping'];

let collect: Collect | undefined;
let sinceBytes = 0;
let quiet: NodeJS.Timeout | undefined;

/** A piece of so many bytes has passed through this thread, in memory of its own. */
export function passed(bytes: number): void {
  passing();
  sinceBytes += bytes;
  if (sinceBytes < COLLECT_EVERY_BYTES) return;
  sinceBytes = 0;
  collect ??= exposed();
  collect({ type: 'minor' });
}

/**
 * Pieces are passing: until they stop, V8 lets more come together. A node that had nothing to do for some seconds has been made as small
 * as it can be, and all of its heap would be gone through, by all processors, for every ten megabytes within it or outside.
 */
export function passing(): void {
  if (quiet !== undefined) {
    quiet.refresh();
    return;
  }
  // Never less than V8 itself gives a process that is busy.
  const percent = Math.max(100, Math.ceil((100 * SLACK_BYTES) / getHeapStatistics().used_heap_size));
  setFlagsFromString(`--heap-growing-percent=${percent}`);
  for (const flag of HELP) setFlagsFromString(`--no-${flag}`);
  quiet = setTimeout(() => {
    quiet = undefined;
    setFlagsFromString('--heap-growing-percent=0');
    for (const flag of HELP) setFlagsFromString(`--${flag}`);
  }, QUIET_MS);
  quiet.unref();
}

/** A collection of what is young alone takes about a millisecond. There is no other way to ask for one. */
function exposed(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
