/** A client in another language follows a ledger that a node serves over HTTPS. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { nodePaths } from '../../src/config/mod.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, freePort, startNode } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';

const PYTHON = '/usr/bin/python3';
const isRequired = process.env['ROGATORY_INTEROP'] === 'require';
const isThere = spawnSync(PYTHON, ['-c', 'import cryptography'], { stdio: 'ignore' }).status === 0;

/** What the follower says; the node that it reads from is in this process, so this must not wait for it. */
function follow(...args: readonly string[]): Promise<string> {
  const child = spawn(PYTHON, ['test/interop/verifier.py', 'follow', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString('utf8')));
  return new Promise((resolve) => {
    child.once('close', () => {
      resolve(stdout.trim());
    });
  });
}

test.runIf(isThere || isRequired)(
  'from partial tiles to full ones, and from the one tree to the next',
  async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const port = await freePort();
    const path = nodePaths(federation.dirOf('XA')).config;
    const config = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(path, JSON.stringify({ ...config, ledger_listen: { host: '127.0.0.1', port } }));
    const node = await startNode(federation, 'XA');
    const folder = temporaryFolder();
    const [ca, state] = [join(folder, 'ca.pem'), join(folder, 'state.json')];
    writeFileSync(ca, node.storage.keys.authority);
    const { vkey } = node.exchange.manifest.members.find(({ code }) => code === 'XA')!.ledger;
    const grow = async (size: number): Promise<void> => {
      while (node.storage.ledger.size < size)
        await node.exchange.send(requestDraft('Facts.'), 'XB' as JurisdictionCode);
      await node.storage.ledger.publish();
    };
    const read = (): Promise<string> => follow(`https://127.0.0.1:${port}/ledger`, vkey, ca, state);

    let before = 0;
    for (const size of isRequired ? [3, 5, 256, 256, 300] : [3, 9]) {
      await grow(size);
      expect(await read()).toBe(`OK ${before} to ${size}`);
      before = size;
    }
    // A follower that remembers another history, or more of it, says so.
    const known = JSON.parse(readFileSync(state, 'utf8')) as { note: string; leaves: string[] };
    const other = { ...known, leaves: known.leaves.with(7, known.leaves[8]!) };
    writeFileSync(state, JSON.stringify(other));
    expect(await read()).toMatch(/^WRONG/);
    writeFileSync(state, JSON.stringify({ ...known, leaves: [...known.leaves, known.leaves[0]!] }));
    expect(await read()).toBe('WRONG: the ledger has become smaller');
  },
  120_000,
);
