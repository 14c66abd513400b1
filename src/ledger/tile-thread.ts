/** The thread that hashes a part of a large ledger when it is opened. It is loaded by itself, and knows nothing but entries and hashes. */
import { parentPort } from 'node:worker_threads';
import { topsOf, type Tiles } from './tile-nodes.ts';

/** What it is asked. */
export type Order = Tiles;

/** What it answers: the tops, and the memory in which the entries lay. */
export interface Answer {
  readonly tops: Uint8Array<ArrayBuffer>;
  readonly memory: ArrayBuffer;
}

parentPort!.on('message', (order: Order) => {
  const answer: Answer = { tops: topsOf(order), memory: order.bundles.buffer };
  parentPort!.postMessage(answer, [answer.tops.buffer, answer.memory]);
});
