/** Gives memory back at once, that the collector would leave lying until much more of it has come together. */
import { MessageChannel } from 'node:worker_threads';

const { port1: nowhere, port2: closed } = new MessageChannel();
closed.close();
nowhere.unref();

/** What is handed over to a port leaves its owner, also when nobody is at the other end; then it is gone. Nothing else may be in its memory. */
export function discard(...spent: readonly Uint8Array<ArrayBuffer>[]): void {
  nowhere.postMessage(
    undefined,
    spent.map(({ buffer }) => buffer),
  );
}
