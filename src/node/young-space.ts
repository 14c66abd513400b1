/**
 * How much of a node's heap may be young at a time. V8 lets that space grow to twice sixteen megabytes, and to four times as much from Node 24
 * on, and empties it in one go, for as long as what is still in use takes to be copied. With twice eight that is half as long: a message
 * that is alone waits for it less, and the node is smaller.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

// Both of its halves.
const MOST_BYTES = 16 * 1024 * 1024;

let observer: PerformanceObserver | undefined;

/** Bounds it for this process, once; not where whoever started the process has said how large it may be. */
export function boundYoungSpace(): void {
  const options = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''];
  if (observer !== undefined || options.some((option) => option.includes('semi-space'))) return;
  let mayGrow = true;
  // It grows after a collection, and an idle process makes it small again: there is nothing to be set once and for all at run time.
  observer = new PerformanceObserver(() => {
    if (mayGrow === youngBytes() < MOST_BYTES) return;
    mayGrow = !mayGrow;
    setFlagsFromString(`--semi-space-growth-factor=${mayGrow ? 2 : 1}`);
  });
  observer.observe({ entryTypes: ['gc'] });
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}
