import { randomBytes } from 'node:crypto';
import { ApiClient, type SentAnswer } from '../../api/mod.ts';
import { newUuid } from '../../base/mod.ts';
import type { ExchangeEvent, MessageRecord } from '../../exchange/mod.ts';
import type { SandboxNode } from './federation.ts';
import { draftOf, recipientsOf, type References, type Scenario, type ScenarioStep } from './scenario.ts';
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
  const played: (PlayedMessage & { readonly step: string })[] = [];
  const cases = new Map<string, string>();
  const ids = new Map<string, string>();
  const send = async (step: ScenarioStep, to: string): Promise<void> => {
    const between = (message: PlayedMessage): boolean =>
      (message.from === step.from && message.to === to) || (message.from === to && message.to === step.from);
    const messageOf = (id: string): PlayedMessage | undefined => {
      const copies = played.filter((message) => message.step === id);
      return copies.find(between) ?? copies[0];
    };
    const references: References = (kind, name) => {
      if (kind === 'case') return cases.get(name);
      if (kind === 'message') return messageOf(name)?.message_id;
      if (!ids.has(name)) ids.set(name, newUuid(Date.now(), randomBytes(10)));
      return ids.get(name);
    };
    const answered = step.in_reply_to === undefined ? undefined : messageOf(step.in_reply_to);
    const draft = draftOf(step, Date.now(), answered, references);
    const body = { to, draft, wait_ms: RECEIPT_WAIT_MS };
    const { message, receipt } = await clients.get(step.from)!.post<SentAnswer>('messages', body);
    played.push({ ...message, step: step.id, from: step.from, to, receipt });
    if (step.case !== undefined && message.case_id !== undefined) cases.set(step.case, message.case_id);
  };
  try {
    for (const step of scenario.steps) {
      for (const to of recipientsOf(step)) await send(step, to);
    }
    // The last line of the story may still be on its way through the socket.
    const deadline = Date.now() + SETTLE_MS;
    while (held.size < played.length && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  } finally {
    listening.abort();
  }
  return played;
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
