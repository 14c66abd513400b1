/** The report for people. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { reportPage, type AuditReport } from '../../src/audit/mod.ts';
import { timelineOf } from '../../src/audit/timeline.ts';
import { Trail } from '../../src/audit/trail.ts';
import type { LedgerEntry } from '../../src/wire/mod.ts';

const START = Date.parse('2026-03-01T00:00:00Z');
const entryOf = (seq: number, time: number): LedgerEntry => ({
  version: 1,
  kind: 'SENT',
  time,
  peer: 'XB',
  message_id: `019b0000-0000-7000-8000-${String(seq).padStart(12, '0')}`,
  seq,
});

/** Messages a second apart, each but the last acknowledged after as many milliseconds as its number. */
function trailOf(count: number): Trail {
  const trail = new Trail();
  for (let seq = 1; seq <= count; seq++) {
    const time = START + seq * 1000;
    trail.push(entryOf(seq, time), seq);
    if (seq < count) trail.setHeld(seq - 1, time + seq, false);
  }
  return trail;
}

function reportOf(trail: Trail, name = 'xa.zip'): AuditReport {
  return {
    ok: false,
    ledgers: [],
    exchange: [
      {
        from: 'XA',
        to: 'XB',
        sent: trail.length,
        received: 0,
        refused: 0,
        voided: 0,
        unanswered: 1,
        not_received: trail.length,
        not_shown: 0,
        receipt_not_held: 0,
        acknowledged_ms: { p50: 5, p90: 61_000, worst: 90_000_000 },
        timeline: timelineOf(trail, undefined),
      },
    ],
    findings: [{ code: 'ROOT_MISMATCH', where: name, detail: 'it is another' }],
  };
}

describe('a trail', () => {
  test('gives back what was put in, for any number of messages', () => {
    const trail = trailOf(1000);
    expect(trail.at(499)).toEqual({
      message_id: '019b0000-0000-7000-8000-000000000500',
      seq: 500,
      index: 500,
      time: START + 500_000,
      held: START + 500_500,
      voided: false,
      refused: false,
    });
    expect([trail.rowOf(1), trail.rowOf(1000), trail.rowOf(0), trail.rowOf(1001)]).toEqual([0, 999, -1, -1]);
  });
});

describe('the timeline', () => {
  test('shows few messages one by one, and many in spans that lose none', () => {
    expect(timelineOf(trailOf(3), undefined)).toMatchObject({
      messages: [{ seq: 1, acknowledged: '2026-03-01T00:00:01.001Z' }, { seq: 2 }, { seq: 3 }],
    });
    const many = timelineOf(trailOf(5000), undefined);
    if (!('spans' in many)) throw new Error('no spans');
    expect(many.spans.length).toBeLessThanOrEqual(60);
    expect(many.spans.reduce((sum, { sent }) => sum + sent, 0)).toBe(5000);
    expect(many.spans.reduce((sum, { acknowledged }) => sum + acknowledged, 0)).toBe(4999);
    expect(Math.max(...many.spans.map(({ worst_ms: ms }) => ms))).toBe(4999);
  });

  test('of a ledger whose last message is before its first shows them all the same', () => {
    const trail = trailOf(100);
    trail.push(entryOf(101, START - 60_000), 101);
    const shown = timelineOf(trail, undefined);
    if (!('spans' in shown)) throw new Error('no spans');
    expect(shown.spans.reduce((sum, { sent }) => sum + sent, 0)).toBe(101);
  });
});

describe('the page', () => {
  test.each([3, 5000])(
    'of %i messages is one file whose policy lets nothing in, and no name becomes markup',
    (count) => {
      const html = reportPage(reportOf(trailOf(count), '<script>alert(1)</script>"\'&.zip'));
      const [, style] = /<style>([\s\S]*?)<\/style>/.exec(html)!;
      const hash = createHash('sha256').update(style!).digest('base64');
      expect(html).toContain(
        `content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'"`,
      );
      expect(html).not.toMatch(/<script|\son\w+=|style="|src=|href=/);
      expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;.zip');
      expect(html).toContain('25.0 h');
      expect(html).toMatch(/<svg [^>]*role="img"/);
    },
  );
});
