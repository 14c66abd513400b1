/** Rules of the messages about one asset. */
import type {
  AmountOf,
  AssetTraceRequest,
  AssetTraceResult,
  ConfiscationRequest,
  ConfiscationResult,
  DispositionProposal,
  Money,
  ParallelConfiscationNotice,
  RestraintExtension,
  RestraintRequest,
  RestraintResult,
  SharingAgreement,
} from '../../wire/mod.ts';
import { needed, uniqueFaults, type Add } from './rule.ts';

export function urgencyFaults(request: AssetTraceRequest | RestraintRequest, add: Add): void {
  if (request.urgency !== 'ROUTINE')
    needed(request.urgency_reason, 'urgency_reason', `urgency ${request.urgency}`, add);
}

export function restraintRequestFaults(request: RestraintRequest, add: Add): void {
  urgencyFaults(request, add);
  propertyFaults(request, add);
}

export function traceResultFaults({ outcome, asset }: AssetTraceResult, add: Add): void {
  if (outcome === 'LOCATED') needed(asset, 'asset', 'outcome LOCATED', add);
}

export function restraintResultFaults(result: RestraintResult, add: Add): void {
  const because = `outcome ${result.outcome}`;
  if (result.outcome === 'RESTRAINED') needed(result.restrained_at, 'restrained_at', because, add);
  if (result.outcome === 'IMPOSSIBLE') needed(result.impossibility, 'impossibility', because, add);
  if (result.outcome === 'REFUSED') groundFaults(result, because, add);
  else if (result.codes.length > 0) add('codes', 'CONFLICT', 'are grounds of refusal, but nothing is refused');
}

export function extensionFaults({ outcome, until }: RestraintExtension, add: Add): void {
  if (outcome !== 'DENIED') needed(until, 'until', `outcome ${outcome}`, add);
}

export function confiscationRequestFaults(request: ConfiscationRequest, add: Add): void {
  const { type, order, amount } = request;
  if (type === 'ENFORCE_FOREIGN_ORDER') needed(order, 'order', `type ${type}`, add);
  if (order !== undefined && exceeds([amount], order.maximum))
    add('amount', 'OUT_OF_RANGE', 'is more than the maximum of the order');
  propertyFaults(request, add);
}

export function confiscationResultFaults(result: ConfiscationResult, add: Add): void {
  const because = `outcome ${result.outcome}`;
  if (result.outcome === 'CONFISCATED') needed(result.amount, 'amount', because, add);
  if (result.outcome === 'REFUSED') groundFaults(result, because, add);
  else if (result.codes.length > 0) add('codes', 'CONFLICT', 'are grounds of refusal, but nothing is refused');
}

// What was taken in all states together is never above the order.
export function parallelFaults(notice: ParallelConfiscationNotice, add: Add): void {
  amountFaults(notice.requested, 'requested', add);
  amountFaults(notice.confiscated, 'confiscated', add);
  const taken = notice.confiscated.map(({ amount }) => amount);
  if (exceeds(taken, notice.maximum))
    add('confiscated', 'OUT_OF_RANGE', 'is together more than the maximum of the order');
}

export function proposalFaults({ shares, value, expenses }: DispositionProposal, add: Add): void {
  uniqueFaults(shares, 'shares', ({ jurisdiction }) => jurisdiction, 'jurisdiction', add);
  const total = shares.reduce((sum, share) => sum + share.basis_points, 0);
  if (total !== 10_000) add('shares', 'BAD_VALUE', `must be together 10,000 basis points, not ${total}`);
  if (expenses !== undefined && exceeds([expenses], value)) add('expenses', 'OUT_OF_RANGE', 'are more than the value');
}

export function sharingFaults({ outcome, amounts, reasons }: SharingAgreement, add: Add): void {
  if (outcome === 'ACCEPT') needed(amounts, 'amounts', 'outcome ACCEPT', add);
  else needed(reasons, 'reasons', 'outcome REJECT', add);
  amountFaults(amounts, 'amounts', add);
}

// Location, value and link are optional where an asset is only mentioned, and needed where it is to be taken (UNCAC art. 55(3)).
function propertyFaults({ asset }: { readonly asset: RestraintRequest['asset'] }, add: Add): void {
  const because = 'a request to take the asset (UNCAC art. 55(3))';
  needed(asset.location, 'asset.location', because, add);
  needed(asset.value, 'asset.value', because, add);
  needed(asset.link, 'asset.link', because, add);
}

function groundFaults(
  result: { readonly codes: readonly string[]; readonly reasons?: unknown },
  because: string,
  add: Add,
): void {
  needed(result.codes, 'codes', because, add);
  needed(result.reasons, 'reasons', because, add);
}

function amountFaults(amounts: readonly AmountOf[], list: string, add: Add): void {
  uniqueFaults(amounts, list, ({ jurisdiction, amount }) => `${jurisdiction} ${amount.currency}`, 'jurisdiction', add);
}

// Amounts in other currencies cannot be added without a rate, and are left to people.
function exceeds(amounts: readonly Money[], maximum: Money): boolean {
  const same = amounts.filter(({ currency }) => currency === maximum.currency);
  return same.reduce((sum, { minor_units: units }) => sum + units, 0) > maximum.minor_units;
}
