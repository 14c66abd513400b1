/** Rules of what is asked about the further use of data, and about its erasure. */
import type { ErasureAnswer, ErasureRequest, UsePurpose } from '../../wire/mod.ts';
import { needed, uniqueFaults, type Add } from './rule.ts';

export function consentFaults(
  { purpose, onward_to: onwardTo }: { readonly purpose: UsePurpose; readonly onward_to?: string | undefined },
  add: Add,
): void {
  if (purpose === 'FORWARD') needed(onwardTo, 'onward_to', 'purpose FORWARD', add);
  else if (onwardTo !== undefined) add('onward_to', 'CONFLICT', `contradicts purpose ${purpose}`);
}

export function erasureFaults({ message_ids: ids }: ErasureRequest, add: Add): void {
  uniqueFaults(
    ids.map((id) => ({ id })),
    'message_ids',
    ({ id }) => id,
    'id',
    add,
  );
}

export function erasureAnswerFaults(
  { outcome, proofs, reasons, keep_until: keepUntil }: ErasureAnswer,
  add: Add,
): void {
  if (outcome === 'REFUSED') {
    if (proofs.length > 0) add('proofs', 'CONFLICT', 'prove an erasure, which is refused');
  } else needed(proofs, 'proofs', `outcome ${outcome}`, add);
  if (outcome === 'ERASED') {
    if (keepUntil !== undefined) add('keep_until', 'CONFLICT', 'contradicts outcome ERASED');
  } else needed(reasons, 'reasons', `outcome ${outcome}`, add);
}
