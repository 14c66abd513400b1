/** Keeps what a sender's conditions forbid from being used otherwise, and puts every attempt in the ledger. */
import { parseBase64url, parseUtf8, type Uuid } from '../base/mod.ts';
import { useLimit, type Case, type IntendedUse } from '../casework/mod.ts';
import { parseMessage, type Message, type WithheldRule } from '../wire/mod.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { ExchangeError } from './error.ts';
import { digestsOf, keys, type MessageRecord } from './record.ts';

/** Something that was asked for and must not be. */
export interface Withheld {
  readonly record: MessageRecord;
  readonly rule: WithheldRule;
  readonly use: IntendedUse;
}

/**
 * Why a message must not be used so; undefined where it may. A sender's own words are its own, and what was erased says nothing any more.
 * @param message where it is at hand already
 */
export async function limitOf(
  context: Pick<ExchangeContext, 'clock'>,
  view: Pick<StepView, 'get' | 'getRecord'>,
  record: MessageRecord,
  use: IntendedUse,
  message?: Message,
): Promise<Withheld | undefined> {
  if (record.direction === 'OUT' || record.case_id === undefined) return undefined;
  const content = message ?? (await readMessage(view, record.message_id));
  if (content === undefined) return undefined;
  const current = await view.getRecord<Case>(keys.case(record.case_id, record.peer));
  const rule = useLimit(content, current, use, context.clock.nowMs());
  return rule === undefined ? undefined : { record, rule, use };
}

/** A message of either direction as it was signed; undefined where its content is not here. */
export async function readMessage(view: Pick<StepView, 'get'>, id: Uuid): Promise<Message | undefined> {
  const bytes = await view.get(keys.signed(id));
  return bytes === undefined ? undefined : parseMessage(parseBase64url(parseUtf8(bytes).split('.')[1]!));
}

/** Puts attempts in the ledger. */
export function recordWithheld(view: Pick<StepView, 'append'>, withheld: readonly Withheld[]): void {
  for (const { record, rule, use } of withheld)
    view.append({
      kind: 'WITHHELD',
      peer: record.peer,
      message_id: record.message_id,
      seq: record.seq,
      ...digestsOf(record),
      detail: { type: 'withheld', value: { rule, purpose: use.purpose, onward_to: use.onward_to } },
    });
}

/** What the person is told whose attempt is in the ledger. */
export function withheldError({ record, rule, use }: Withheld): ExchangeError {
  const { peer, message_id: id } = record;
  const isOver = rule === 'RETENTION_ENDED' || rule === 'EXPIRED';
  const way = isOver
    ? 'its time is over, and no consent brings it back'
    : `ask ${peer} for its consent: a use_consent_request for ${[use.purpose, use.onward_to].filter(Boolean).join(' to ')}`;
  return new ExchangeError(
    'EXCHANGE_WITHHELD',
    `Message ${id} of ${peer} must not be used for ${[use.purpose, use.onward_to].filter(Boolean).join(' to ')} (${rule}): ${way}. Nothing left, and the ledger has the attempt.`,
  );
}
