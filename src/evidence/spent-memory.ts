/** Gives memory back at once, that the collector would leave lying until much more of it has come together. */
import { MessageChannel } from 'node:worker_threads';

const { port1: nowhere } = new MessageChannel();
// Its own end: were only the other closed, all would be kept there until this thread has nothing to do for once.
nowhere.close();

/** What is handed over to a port leaves its owner, also when the port is closed; then it is gone. Nothing else may be in its memory. */
export function discard(...spent: readonly Uint8Array<ArrayBuffer>[]): void {
  nowhere.postMessage(
    undefined,
    spent.map(({ buffer }) => buffer),
  );
}
