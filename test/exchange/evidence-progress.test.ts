import { describe, expect, test } from 'vitest';
import { transferText } from '../../src/cli/transfer-text.ts';
import { Transfers } from '../../src/exchange/evidence-progress.ts';

const MB = 1_000_000;

function measured(): { readonly transfers: Transfers; pass: (ms: number) => void } {
  let now = 1000;
  const transfers = new Transfers({ monotonicMs: () => now });
  return { transfers, pass: (ms) => (now += ms) };
}

describe('a file on its way', () => {
  test('tells its rate over the last seconds and the time that is left', () => {
    const { transfers, pass } = measured();
    expect(transfers.of('XB', 'f')).toBeUndefined();
    transfers.note('XB', 'f', 0, 100 * MB);
    for (let second = 1; second <= 20; second++) {
      pass(1000);
      // Slow at first, then ten times as fast: what is told follows.
      const bytes = second <= 10 ? second * MB : 10 * MB + (second - 10) * 5 * MB;
      transfers.note('XB', 'f', bytes, 100 * MB);
      if (second === 10)
        expect(transfers.of('XB', 'f')).toMatchObject({ bytes: 10 * MB, bytes_per_second: MB, seconds_left: 90 });
    }
    expect(transfers.of('XB', 'f')).toMatchObject({ bytes_per_second: 5 * MB, seconds_left: 8 });
    expect(transfers.of('XC', 'f')).toBeUndefined();
    transfers.end('XB', 'f');
    expect(transfers.of('XB', 'f')).toBeUndefined();
  });

  test('that stands still has no rate, and one that resumes does not count what it did before', () => {
    const { transfers, pass } = measured();
    transfers.note('XB', 'f', 0, 10 * MB);
    pass(1000);
    transfers.note('XB', 'f', 5 * MB, 10 * MB);
    pass(10_000);
    expect(transfers.of('XB', 'f')).toMatchObject({ bytes: 5 * MB, bytes_per_second: 0, seconds_left: undefined });
    transfers.note('XB', 'f', 4 * MB, 10 * MB);
    pass(1000);
    transfers.note('XB', 'f', 5 * MB, 10 * MB);
    expect(transfers.of('XB', 'f')).toMatchObject({ bytes_per_second: MB, seconds_left: 5 });
  });

  test('that this node has no room for says so, until it goes on', () => {
    const { transfers, pass } = measured();
    transfers.note('XB', 'f', 4 * MB, 10 * MB);
    transfers.postpone('XB', 'f', 10 * MB, 'EVIDENCE_NO_SPACE');
    expect(transferText(10 * MB, transfers.of('XB', 'f'))).toMatch(/40 %\), held up at this node: EVIDENCE_NO_SPACE$/);
    pass(1000);
    transfers.note('XB', 'f', 4 * MB, 10 * MB);
    pass(1000);
    transfers.note('XB', 'f', 6 * MB, 10 * MB);
    expect(transferText(10 * MB, transfers.of('XB', 'f'))).toMatch(/\(60 %\), .*\/s, 2 s left$/);
    expect(transferText(10 * MB, undefined)).toBe('waits for the other side');
    const still = { bytes: 4 * MB, bytes_per_second: 0 };
    expect(transferText(10 * MB, still)).toMatch(/ of .* \(40 %\), waits for the other side$/);
  });
});
