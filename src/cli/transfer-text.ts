import type { TransferProgress } from '../exchange/mod.ts';
import { formatBytes } from './bytes.ts';
import { formatSeconds } from './progress.ts';

/** How far a file is that the node fetches or gives, in words. */
export function transferText(size: number, progress: TransferProgress | undefined): string {
  if (progress === undefined) return 'waits for the other side';
  const { bytes, bytes_per_second: rate, seconds_left: left, postponed } = progress;
  const share = `${formatBytes(bytes)} of ${formatBytes(size)} (${Math.floor((bytes / size) * 100)} %)`;
  if (postponed !== undefined) return `${share}, held up at this node: ${postponed}`;
  return left === undefined
    ? `${share}, waits for the other side`
    : `${share}, ${formatBytes(rate)}/s, ${formatSeconds(left)} left`;
}
