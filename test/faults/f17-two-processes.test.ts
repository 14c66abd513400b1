/** F17: a second process is started on a node's folder. It refuses, says why, and harms nothing. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { SentAnswer } from '../../src/api/mod.ts';
import { nodePaths } from '../../src/config/mod.ts';
import { requestFile } from '../kit/drafts.ts';
import { copyTestFederation } from '../kit/federation.ts';
import { rogatory, serveNode } from '../kit/process.ts';

test('F17: the second process refuses, and the first goes on', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const [a] = [await serveNode(federation, 'XA'), await serveNode(federation, 'XB')];
  const paths = nodePaths(federation.dirOf('XA'));
  const sent = (): Promise<SentAnswer> =>
    a.api.post<SentAnswer>('messages', { to: 'XB', draft: requestFile(), wait_ms: 30_000 });
  expect((await sent()).message.status).toBe('RECEIVED');

  // The first stands still meanwhile: it cosigns when it likes, and whatever is written now the second has written.
  a.child.kill('SIGSTOP');
  const head = readFileSync(paths.head, 'utf8');
  const attempts = await Promise.all([1, 2].map(() => rogatory('serve', '--config', paths.config)));
  for (const { status, stderr } of attempts) {
    expect(status).toBe(1);
    expect(stderr).toMatch(/STORE_LOCKED: Another process has the store .* open\./);
  }
  expect(readFileSync(paths.head, 'utf8')).toBe(head);
  a.child.kill('SIGCONT');
  expect((await sent()).message.status).toBe('RECEIVED');
}, 120_000);
