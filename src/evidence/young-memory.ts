/**
 * Memory that pieces of files take for a moment. V8 counts what lies outside of its heap, but does not give back what is young before its
 * own few objects fill their space; long before that the count makes it go through everything that is old, dozens of times for a gigabyte.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'minor' }) => void;

// With twice as much V8 begins with what is old.
const COLLECT_EVERY_BYTES = 16 * 1024 * 1024;

let collect: Collect | undefined;
let sinceBytes = 0;

/** A piece of so many bytes has passed through this thread. */
export function passed(bytes: number): void {
  sinceBytes += bytes;
  if (sinceBytes < COLLECT_EVERY_BYTES) return;
  sinceBytes = 0;
  collect ??= exposed();
  collect({ type: 'minor' });
}

/** A collection of what is young alone takes about a millisecond. There is no other way to ask for one. */
function exposed(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
