/**
 * A node's folder is copied and both are started, on two machines so to speak: the first contact of the one that is behind shows it, to
 * itself and to the peer. It stops and says what to do; the peer keeps both heads; the one that is ahead goes on.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SentAnswer } from '../../src/api/mod.ts';
import { nodePaths, type NodeConfigFile } from '../../src/config/mod.ts';
import type { IncidentRecord } from '../../src/exchange/mod.ts';
import { parseCheckpointNote } from '../../src/ledger/mod.ts';
import { requestFile } from '../kit/drafts.ts';
import { copyTestFederation, freePort, until } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { rogatory, serveNode, startRogatory } from '../kit/process.ts';

test('two copies of a node at once: the one behind stops, the peer has the proof, the other goes on', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const dir = federation.dirOf('XA');
  const b = await serveNode(federation, 'XB');
  const first = await serveNode(federation, 'XA');
  const send = (): Promise<SentAnswer> =>
    first.api.post<SentAnswer>('messages', { to: 'XB', draft: requestFile(), wait_ms: 120_000 });
  expect((await send()).message.status).toBe('RECEIVED');
  first.child.kill('SIGTERM');
  expect((await first.outcome).status).toBe(0);

  const copy = join(temporaryFolder(), 'xa');
  cpSync(dir, copy, { recursive: true });
  const { config } = nodePaths(copy);
  const file = JSON.parse(readFileSync(config, 'utf8')) as NodeConfigFile;
  writeFileSync(config, JSON.stringify({ ...file, listen: { host: '127.0.0.1', port: await freePort() } }));
  // The original goes on, so that the copy is behind whatever it does when it meets the peer.
  const original = await serveNode(federation, 'XA');
  const sent = await original.api.post<SentAnswer>('messages', { to: 'XB', draft: requestFile(), wait_ms: 120_000 });
  expect(sent.message.status).toBe('RECEIVED');
  const second = startRogatory('serve', '--config', config);
  const { status, stderr } = await second.outcome;
  expect(status).toBe(1);
  expect(stderr).toMatch(/LEDGER_(ROLLED_BACK|FORKED)/);
  expect(stderr).toContain('rogatory restore');

  await until(async () => (await b.api.get<IncidentRecord[]>('incidents')).length > 0, 120_000);
  const [incident] = await b.api.get<IncidentRecord[]>('incidents');
  expect(incident).toMatchObject({ peer: 'XA' });
  expect(['ROLLED_BACK_LEDGER', 'FORKED_LEDGER']).toContain(incident!.kind);
  expect(incident!.exhibits.map((note) => parseCheckpointNote(note).origin)).toEqual(
    Array.from({ length: 2 }, () => 'xa.test.example/ledger'),
  );
  // The copy does not start again, with no peer to tell it; the original still exchanges.
  const again = await rogatory('serve', '--config', config);
  expect([again.status, again.stderr]).toEqual([1, expect.stringMatching(/LEDGER_(ROLLED_BACK|FORKED)/)]);
  const last = await original.api.post<SentAnswer>('messages', { to: 'XB', draft: requestFile(), wait_ms: 120_000 });
  expect(last.message.status).toBe('RECEIVED');
}, 600_000);
