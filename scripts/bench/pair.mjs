/** A sender and a receiver, and one measurement of the way between them. */
import { makeFederation, startNode } from './federation.mjs';
import { MESSAGE_BYTES } from './floors.mjs';

/** Two nodes that know each other, each a process of its own. */
export async function startPair(folder, execArgv = []) {
  const configs = await makeFederation(folder, ['XA', 'XB'], execArgv);
  const [sender, receiver] = await Promise.all([startNode(configs.XA, execArgv), startNode(configs.XB, execArgv)]);
  return { sender, receiver, stop: () => Promise.all([sender.stop(), receiver.stop()]) };
}

/** Keeps so many messages in flight from the first to the second for so long; what it came to, by message. */
export async function turn({ sender, receiver }, inFlight, forMs) {
  await receiver.ask({ act: 'mark' });
  const sent = await sender.ask({ act: 'send', to: 'XB', inFlight, forMs, bytes: MESSAGE_BYTES });
  const received = await receiver.ask({ act: 'usage' });
  return {
    count: sent.count,
    perSecond: (sent.count / sent.elapsedMs) * 1000,
    latencies: sent.latencies,
    senderCpuUs: sent.cpuUs / sent.count,
    receiverCpuUs: received.cpuUs / sent.count,
    flushes: (sent.flushes + received.flushes) / sent.count,
    rssMiB: Math.max(sent.rssMiB, received.rssMiB),
  };
}
