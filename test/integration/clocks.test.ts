/** Clocks of real cases at real nodes: the same on both sides, and noticed when they run out. */
import { expect, onTestFinished, test } from 'vitest';
import { ApiServer } from '../../src/api/mod.ts';
import { systemClock, type JurisdictionCode } from '../../src/base/mod.ts';
import { parseDraft } from '../../src/wire/mod.ts';
import { runCommand } from '../kit/command.ts';
import { requestFile } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const DAY_MS = 24 * 3_600_000;

const onBrethen = (): ReturnType<typeof parseDraft> => {
  const { assistance_request: request } = requestFile() as { assistance_request: object };
  return parseDraft({
    assistance_request: { ...request, legal_basis: [{ instrument: 'sample-brethen', articles: ['1'] }] },
  });
};

test('both sides see the same clocks, and a node that is late says so once', { timeout: 180_000 }, async () => {
  const federation = await copyTestFederation([XA, XB]);
  const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
  const { message_id: id, case_id: caseId } = await a.exchange.send(onBrethen(), XB);
  expect((await a.exchange.answerOf(id, 60_000)).status).toBe('RECEIVED');
  const now = Date.now();
  const [own, theirs] = [await a.exchange.clocks(now), await b.exchange.clocks(now)];
  expect(own).toMatchObject([{ name: 'ACKNOWLEDGE', state: 'RUNNING', duty_of: 'XB', peer: 'XB', started_by: id }]);
  expect(theirs).toEqual(own.map((clock) => ({ ...clock, peer: 'XA' })));
  expect(await b.exchange.clockEvents()).toEqual([]);

  // A month later nobody has acknowledged.
  await a.stop();
  await b.stop();
  const later = { ...systemClock, nowMs: () => systemClock.nowMs() + 30 * DAY_MS };
  const logged: string[] = [];
  const log = (_level: string, event: string): void => void logged.push(event);
  const again = await startNode(federation, XB, { clock: later, log });
  await until(async () => (await again.exchange.clockEvents()).length > 0, 60_000);
  const noted = await again.exchange.clockEvents(caseId);
  expect(noted.map(({ kind, duty_of: duty, peer }) => `${kind} ${duty} ${peer}`)).toEqual([
    'OVERDUE XB XA',
    'ESCALATED XB XA',
  ]);
  expect(noted[0]!.at).toBe(own[0]!.due_at);
  expect(noted[0]!.noted_at).toBeGreaterThan(own[0]!.due_at);
  await until(() => logged.includes('exchange.clock_escalated'), 60_000);
  await again.stop();

  // Once noticed, it is not noticed again.
  const quiet: string[] = [];
  const last = await startNode(federation, XB, { clock: later, log: (_level, event) => void quiet.push(event) });
  const api = await ApiServer.open(last);
  onTestFinished(() => api.close());
  const dir = federation.dirOf('XB');
  const due = new Date(own[0]!.due_at).toISOString().slice(0, 10);
  const run = (...args: string[]): ReturnType<typeof runCommand> => runCommand('clocks', '--node', dir, ...args);
  const before = `${new Date(own[0]!.due_at - 60_000).toISOString().slice(0, 16)}Z`;
  expect(await run('--overdue', '--at', before)).toMatchObject({ status: 0, stdout: 'Nothing is overdue.\n' });
  const late = await run('--overdue', '--at', '2099-01-01', '--json');
  expect(late.status).toBe(1);
  expect(JSON.parse(late.stdout)).toMatchObject({ clocks: [{ state: 'ESCALATED', case_id: caseId }], noted });
  const { stdout: shown } = await run('--case', caseId!, '--at', '2099-01-01T00:00:00Z');
  expect(shown).toContain(`ESCALATED    XB acknowledge    due ${due}`);
  expect(shown).toMatch(/overdue +noticed 20\d\d-/);
  expect(shown).toContain(`started    ${id}`);
  expect(await run('--duty', 'XA')).toMatchObject({ status: 0, stdout: 'Nothing is due.\n' });
  for (const wrong of [['--at', 'tomorrow'], ['--at', '2026-13-01'], ['--case', 'x'], ['stray']])
    expect((await run(...wrong)).status).toBe(2);
  expect(await last.exchange.clockEvents()).toEqual(noted);
  expect(quiet.filter((event) => event.startsWith('exchange.clock'))).toEqual([]);

  // The same cases, counted.
  const counted = (...args: string[]): ReturnType<typeof runCommand> =>
    runCommand('statistics', '--node', dir, ...args);
  const { stdout: json } = await counted('--json', '--peer', 'XA');
  expect(JSON.parse(json)).toMatchObject({
    cases: 1,
    partners: [{ partner: 'XA', incoming: { requests: 1, overdue: 1 } }],
  });
  expect((await counted('--csv')).stdout).toContain('XA,incoming,by_instrument,sample-brethen,1\r\n');
  expect((await counted()).stdout).toContain('asked of this node: 1 requests: 1 open, 1 overdue');
  expect((await counted('--to', '2000-01-01')).stdout).toContain('0 cases');
  for (const wrong of [
    ['--csv', '--json'],
    ['--from', '2026-02-30'],
    ['--peer', 'italy'],
  ])
    expect((await counted(...wrong)).status).toBe(2);
});
