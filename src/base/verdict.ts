/**
 * The answer of a `verify*` function: a value that may now be trusted, or why not, as data. A refusal is an expected outcome of
 * another party's input, so it is not thrown.
 */
export type Verdict<T, Reason extends string = string> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: Reason; readonly detail: string };

/** A verdict that trusts. */
export function accept<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** A verdict that does not. `detail` is for the own side's eyes; a peer gets the reason only. */
export function refuse<Reason extends string>(
  reason: Reason,
  detail: string,
): { readonly ok: false; readonly reason: Reason; readonly detail: string } {
  return { ok: false, reason, detail };
}
