/** Messages that cross, receipts that lag, openings that are refused: how the side that does not order a case finds the order. */
import { describe, expect, test } from 'vitest';
import { placeStep, takeOwnStep, takePeerStep, withdrawStep, type Case } from '../../src/casework/mod.ts';
import type { BodyType, Message } from '../../src/wire/mod.ts';
import { XA, XB, bodyOf, messageOf } from '../kit/casework.ts';

const from = (code: string, type: BodyType, change: object = {}): Message => messageOf(code, bodyOf(type, change));

function own(current: Case | undefined, message: Message): Case {
  const step = takeOwnStep(current, message);
  if (!step.ok) throw new Error(step.detail);
  return step.value;
}

function peers(current: Case | undefined, message: Message, index: number): Case {
  const step = takePeerStep(current, message, index);
  if (!step.ok) throw new Error(step.detail);
  return step.value;
}

const typesOf = ({ steps }: Case): BodyType[] => steps.map(({ type }) => type);

describe('at the requesting side, before any receipt', () => {
  const request = from(XA, 'assistance_request');
  const acknowledged = peers(own(undefined, request), from(XB, 'acknowledge_receipt'), 4);

  test('what can only be an answer stands after what it answers', () => {
    expect(acknowledged).toMatchObject({ state: 'RECEIVED' });
    expect(typesOf(acknowledged)).toEqual(['assistance_request', 'acknowledge_receipt']);
    expect(placeStep(acknowledged, request.header.message_id, 3)).toMatchObject({ state: 'RECEIVED' });
  });

  test('the other side’s next step is judged by the order that it can have had', () => {
    const withdrawn = own(acknowledged, from(XA, 'withdrawal'));
    const returned = peers(withdrawn, from(XB, 'return_unprocessed'), 5);
    expect(typesOf(returned).slice(-2)).toEqual(['return_unprocessed', 'withdrawal']);
    const closing = peers(returned, from(XB, 'close_case'), 6);
    expect(closing).toMatchObject({ state: 'RETURNED', marks: { close_case: ['REQUESTED'] } });
  });

  test('orders are tried anew when a later step needs another one', () => {
    const restraint = from(XA, 'restraint_request');
    const intended = peers(
      peers(own(undefined, restraint), from(XB, 'restraint_result', { outcome: 'RESTRAINED' }), 2),
      from(XB, 'lift_intent'),
      3,
    );
    // A hearing that crosses a report: the report could have come first, and did not.
    const heard = own(intended, from(XA, 'lift_hearing'));
    const reported = peers(heard, from(XB, 'management_report'), 4);
    expect(typesOf(reported).slice(-2)).toEqual(['management_report', 'lift_hearing']);
    const lifted = peers(reported, from(XB, 'restraint_lifted', { outcome: 'LIFTED' }), 6);
    expect(lifted.state).toBe('LIFTED');
  });

  test('what no order allows is refused, however many there are', () => {
    let busy = own(acknowledged, from(XA, 'status_query'));
    for (let n = 0; n < 12; n++) busy = own(busy, from(XA, 'status_query'));
    for (let n = 0; n < 40; n++) busy = peers(busy, from(XB, 'delay_notice'), 10 + n);
    const started = performance.now();
    expect(takePeerStep(busy, from(XB, 'execution_started'), 90)).toMatchObject({ ok: false, reason: 'ILLEGAL_STEP' });
    // A bounded number of tries: without one there would be some 10^11 orders.
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});

describe('an opening that the other side refused', () => {
  // Both propose; each refuses the other's proposal or not; XA, the lower code, orders.
  const proposal = from(XB, 'jit_proposal');
  const withdrawal = from(XB, 'withdrawal');
  const waiting = withdrawStep(own(own(undefined, proposal), withdrawal), proposal.header.message_id);

  test('leaves the steps after it, which may stand on the other side’s', () => {
    expect(waiting).toMatchObject({ state: 'UNOPENED', measures: {} });
    const opened = peers(waiting, from(XA, 'jit_proposal'), 0);
    expect(opened.state).toBe('WITHDRAWN');
    expect(typesOf(opened)).toEqual(['jit_proposal', 'withdrawal']);
    expect(placeStep(opened, withdrawal.header.message_id, 2).state).toBe('WITHDRAWN');
  });

  test('leaves nothing when they are refused too', () => {
    expect(withdrawStep(waiting!, withdrawal.header.message_id)).toBeUndefined();
  });

  test('can be followed by another', () => {
    expect(own(waiting, from(XB, 'jit_proposal')).state).toBe('PROPOSED');
    expect(takeOwnStep(waiting, from(XB, 'jit_close'))).toMatchObject({ ok: false, reason: 'CASE_UNKNOWN' });
  });
});
