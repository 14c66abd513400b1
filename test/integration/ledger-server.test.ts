/** Anyone can follow a ledger over HTTPS, and get nothing else. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { nodePaths } from '../../src/config/mod.ts';
import {
  MerkleTiles,
  leafHash,
  parseEntryBundle,
  parseVerifierKey,
  tilePath,
  tilesOfTree,
  verifyCheckpoint,
} from '../../src/ledger/mod.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, freePort, startNode } from '../kit/federation.ts';
import { rogatory, serveNode } from '../kit/process.ts';
import { temporaryFolder } from '../kit/folder.ts';

const XB = 'XB' as JurisdictionCode;

interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly headers: IncomingHttpHeaders;
}

function get(
  port: number,
  path: string,
  options: { readonly ca?: string; readonly method?: string } = {},
): Promise<Answer> {
  const { ca, method = 'GET' } = options;
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        agent: false,
        ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          resolve({ status: response.statusCode!, body: Buffer.concat(chunks), headers: response.headers });
        });
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}

test('a stranger reads the checkpoint and every tile, and they are the ledger', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const port = await freePort();
  const path = nodePaths(federation.dirOf('XA')).config;
  const config = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...config, ledger_listen: { host: '127.0.0.1', port } }));
  const node = await startNode(federation, 'XA');
  for (let i = 0; i < 300; i++) await node.exchange.send(requestDraft(`Facts ${i}`), XB);
  await node.storage.ledger.publish();

  const ca = node.storage.keys.authority;
  const checkpoint = await get(port, '/ledger/checkpoint', { ca });
  expect(checkpoint.headers).toMatchObject({
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
  });
  const key = parseVerifierKey(node.exchange.manifest.members[0]!.ledger.vkey);
  const head = verifyCheckpoint(checkpoint.body.toString(), key);
  if (!head.ok) throw new Error(head.detail);
  expect(head.value.size).toBe(301);
  const tree = new MerkleTiles(() => Promise.reject(new Error('not needed')));
  for (const tile of tilesOfTree(301)) {
    const { status, body, headers } = await get(port, `/ledger/${tilePath(tile)}`, { ca });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    expect(headers['content-encoding']).toBeUndefined();
    if (tile.level === 'entries') tree.append(parseEntryBundle(body).map(leafHash));
    else expect(body).toHaveLength(32 * tile.width);
  }
  expect(await tree.rootAt()).toEqual(head.value.root);
  expect((await get(port, '/ledger/checkpoint', { method: 'HEAD' })).body).toHaveLength(0);

  for (const other of [
    '/',
    '/ledger/',
    '/ledger/../node.json',
    '/ledger/%2e%2e/node.json',
    '/ledger/tile/0/../../../keys/sign.key',
    '/ledger/tile/0/999',
    '/ledger/tile/0',
    '/ledger/tile/64/000',
    // Partial tiles that no tree has had.
    '/ledger/tile/0/001.p/46',
    '/ledger/tile/0/001.p/0',
    '/ledger/tile/0/001.p/256',
    '/ledger/checkpoint?x',
    '/federation',
  ]) {
    expect((await get(port, other)).status).toBe(404);
  }
  expect((await get(port, '/ledger/checkpoint', { method: 'POST' })).status).toBe(405);
});

test('ledger export copies the same files, from a node that runs and from one that is stopped', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const dir = federation.dirOf('XA');
  const { child, outcome } = await serveNode(federation, 'XA');
  await rogatory('message', 'send', '--node', dir, '--to', 'XB', '--wait', '0', 'node-config/messages/request.json');
  const [running, stopped] = [join(temporaryFolder(), 'a'), join(temporaryFolder(), 'b')];
  expect(await rogatory('ledger', 'export', '--node', dir, '-o', running)).toMatchObject({ status: 0 });
  child.kill('SIGTERM');
  await outcome;
  expect(await rogatory('ledger', 'export', '--node', dir, '-o', stopped)).toMatchObject({ status: 0 });
  const note = readFileSync(join(running, 'checkpoint'), 'utf8');
  expect(readFileSync(join(stopped, 'checkpoint'), 'utf8')).toBe(note);
  expect(note.split('\n')[1]).toBe('2');
  expect(parseEntryBundle(readFileSync(join(running, 'tile/entries/000.p/2')))).toHaveLength(2);
});
