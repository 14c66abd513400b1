import { ApiClient, type SentAnswer } from '../../api/mod.ts';
import type { ExchangeEvent, MessageRecord } from '../../exchange/mod.ts';
import type { SandboxNode } from './federation.ts';
import { draftOf, type Scenario } from './scenario.ts';
import { timelineLine } from './timeline.ts';

/** A message that was played, as its sender's node tells it. */
export interface PlayedMessage extends MessageRecord {
  readonly from: string;
  readonly to: string;
  readonly receipt: SentAnswer['receipt'];
}

const RECEIPT_WAIT_MS = 60_000;
const SETTLE_MS = 10_000;

/** Plays a scenario through the nodes' own interfaces, telling each event as it happens. */
export async function playScenario(
  scenario: Scenario,
  nodes: readonly SandboxNode[],
  tell: (line: string) => void,
): Promise<PlayedMessage[]> {
  const listening = new AbortController();
  const clients = new Map(nodes.map((node) => [node.code, new ApiClient(node.dir)]));
  const held = new Set<string>();
  for (const [code, client] of clients) {
    await client.stream<ExchangeEvent>(
      'events',
      (event) => {
        tell(timelineLine(code, event));
        if (event.kind === 'RECEIPT_HELD' || event.kind === 'REFUSAL_HELD') held.add(event.message_id);
      },
      listening.signal,
    );
  }
  const played = new Map<string, PlayedMessage>();
  try {
    for (const step of scenario.steps) {
      const answered = step.in_reply_to === undefined ? undefined : played.get(step.in_reply_to);
      const draft = draftOf(step, Date.now(), answered);
      const body = { to: step.to, draft, wait_ms: RECEIPT_WAIT_MS };
      const { message, receipt } = await clients.get(step.from)!.post<SentAnswer>('messages', body);
      played.set(step.id, { ...message, from: step.from, to: step.to, receipt });
    }
    // The last line of the story may still be on its way through the socket.
    const deadline = Date.now() + SETTLE_MS;
    while (held.size < played.size && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  } finally {
    listening.abort();
  }
  return [...played.values()];
}

/** Waits until every node has a session with every other. */
export async function untilConnected(nodes: readonly SandboxNode[], timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    const answers = await Promise.all(
      nodes.map((node) => new ApiClient(node.dir).get<{ readonly connected: boolean }[]>('peers')),
    );
    if (answers.flat().every(({ connected }) => connected)) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
