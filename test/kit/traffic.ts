import type { JurisdictionCode } from '../../src/base/mod.ts';
import type { Node } from '../../src/node/mod.ts';
import { requestDraft } from './drafts.ts';

const PAUSE_MS = 30;

/** Messages that go out one after the other until they are stopped. */
export interface Traffic {
  /** How many were sent. */
  readonly stop: () => Promise<number>;
}

/** Sends requests from one node to another without pause. */
export function traffic(from: Node, to: JurisdictionCode): Traffic {
  let [sent, going] = [0, true];
  const run = (async () => {
    while (going) {
      await from.exchange.send(requestDraft(), to);
      sent++;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  })();
  return {
    stop: async () => {
      going = false;
      await run;
      return sent;
    },
  };
}
