/** Whatever a command takes an id for, what is no id is wrong usage, told before anything is asked of a node. */
import { expect, test } from 'vitest';
import { runCommand } from '../kit/command.ts';

const CASE = ['--case', 'nonsense'];
const ID = '019c0000-0000-7000-8000-000000000000';

test.each([
  [['evidence', 'list', ...CASE], 'case'],
  [['evidence', 'verify', ...CASE], 'case'],
  [['evidence', 'verify', ID, 'nonsense'], 'file'],
  [['evidence', 'get', ...CASE, '-o', 'x'], 'case'],
  [['evidence', 'get', 'nonsense', '-o', 'x'], 'file'],
  [['evidence', 'add', ...CASE, 'package.json'], 'case'],
  [['evidence', 'add', '--case', ID, '--task', 'nonsense', 'package.json'], 'task'],
  [['evidence', 'send', ...CASE, '--to', 'XB', '--measure', 'm1', 'ledger-1'], 'case'],
  [['evidence', 'delete', 'nonsense', '--why', 'MISTAKE'], 'file'],
  [['evidence', 'dossier', ...CASE, '-o', 'x'], 'case'],
  [['evidence', 'check', ...CASE, 'package.json'], 'case'],
  [['evidence', 'case-export', ...CASE, '-o', 'x'], 'case'],
  [['evidence', 'custody', 'show', ...CASE], 'case'],
  [['evidence', 'custody', 'add', ...CASE, '--item', 'x', 'package.json'], 'case'],
  [['message', 'show', 'nonsense'], 'message'],
  [['message', 'withdraw', 'nonsense'], 'message'],
  [['message', 'erase', 'nonsense', '--why', 'RETENTION_ENDED'], 'message'],
  [['message', 'list', ...CASE], 'case'],
  [['retention', 'review', 'nonsense', '--next', '2031-01-31'], 'message'],
  [['erasure', 'request', 'nonsense', '--why', 'RETENTION_ENDED', '--reasons', 'x'], 'message'],
  [['erasure', 'perform', 'nonsense'], 'message'],
  [['erasure', 'refuse', 'nonsense', '--reasons', 'x'], 'message'],
  [['case', 'show', 'nonsense'], 'case'],
  [['case', 'assign', ...CASE, '--person', 'x'], 'case'],
  [['clocks', ...CASE], 'case'],
  [['draft', 'show', 'nonsense'], 'draft'],
  [['draft', 'approve', 'nonsense'], 'draft'],
  [['draft', 'reject', 'nonsense', '--why', 'x'], 'draft'],
  [['task', 'list', ...CASE], 'case'],
  [['task', 'show', 'nonsense'], 'task'],
  [['task', 'answer', 'nonsense', '--text', 'x'], 'task'],
  [['task', 'create', ...CASE, '--agency', 'POLICE', '--measure', 'm1', '--instructions', 'x'], 'case'],
  [['access-log', ...CASE], 'case'],
  [['audit', 'export', ...CASE, '-o', 'x'], 'case'],
  [['audit', 'export', '--disclose', `${ID},nonsense`, '-o', 'x'], 'message'],
])('%j', async (args, what) => {
  const { status, stderr, stdout } = await runCommand(...args, '--node', '/nowhere');
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(`CLI_USAGE: “nonsense” is not the id of a ${what}.`);
});

test.each([
  [['ledger', 'seen', 'nonsense'], 'jurisdiction code'],
  [['ledger', 'proof', 'nonsense'], 'not a number'],
  [['message', 'list', '--peer', 'nonsense'], 'jurisdiction code'],
  [['message', 'list', '--status', 'nonsense'], 'QUEUED, RECEIVED'],
  [['task', 'answer', ID, 'a.json', 'b.json'], 'id of the task'],
])('%j', async (args, words) => {
  const { status, stderr } = await runCommand(...args, '--node', '/nowhere');
  expect(status).toBe(2);
  expect(stderr).toContain(words);
});
