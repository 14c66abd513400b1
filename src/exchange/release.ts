/** Files and cases that people take out of a node, or give to an agency: not against the conditions under which they came. */
import type { Uuid } from '../base/mod.ts';
import { kindOpenedBy, type Case, type IntendedUse } from '../casework/mod.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { furnishedIn, materialOfFile, type Material } from './drawn-on.ts';
import { keys, type MessageRecord } from './record.ts';
import { limitOf, recordWithheld, withheldError } from './withholding.ts';

/** What is to be used. */
export interface Release {
  readonly files?: readonly string[] | undefined;
  /** Everything that the other side has brought into this case. */
  readonly case_id?: Uuid | undefined;
  /** The request of this case, which says what is to be done. */
  readonly request_of?: Uuid | undefined;
}

/**
 * Lets files or a case be used, unless a condition of their sender forbids it: then the attempt is in the ledger before this throws.
 * @throws {ExchangeError} EXCHANGE_WITHHELD
 */
export async function releaseFor(
  context: Pick<ExchangeContext, 'clock' | 'committer'>,
  release: Release,
  use: IntendedUse,
): Promise<void> {
  const { files = [], case_id: caseId, request_of: requestOf } = release;
  const withheld = await context.committer.commit(async (view) => {
    const material = [
      ...(await Promise.all(files.map((id) => materialOfFile(view, id)))).filter((found) => found !== undefined),
      ...(caseId === undefined ? [] : await furnishedIn(view, caseId)),
      ...(requestOf === undefined ? [] : await requestsOf(view, requestOf)),
    ];
    const limits = await Promise.all(
      material.map(({ record, items }) => limitOf(context, view, record, { ...use, items })),
    );
    const kept = limits.filter((limit) => limit !== undefined);
    recordWithheld(view, kept);
    return kept;
  });
  const [first] = withheld;
  if (first !== undefined) throw withheldError(first);
}

/** The messages that opened a case, or asked for its measures. */
async function requestsOf(view: Pick<StepView, 'getRecord' | 'keysUnder'>, caseId: Uuid): Promise<Material[]> {
  const found: Material[] = [];
  for (const key of await view.keysUnder(keys.casesOf(caseId))) {
    const { steps, requesting } = (await view.getRecord<Case>(key))!;
    for (const step of steps.filter(({ by, type }) => by === requesting && kindOpenedBy(type) !== undefined)) {
      const record = await view.getRecord<MessageRecord>(keys.message(step.message_id));
      if (record !== undefined) found.push({ record });
    }
  }
  return found;
}
