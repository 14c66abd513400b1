/** What stands in the folder in which a node is to be made. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { initNode } from '../../src/node/mod.ts';
import { temporaryFolder } from '../kit/folder.ts';

test('one folder gets one node, and what an interrupted command left is not called one', async () => {
  const dir = join(temporaryFolder(), 'xa');
  const init = (name: string): Promise<{ readonly name: string }> =>
    initNode({
      code: 'XA' as JurisdictionCode,
      dir,
      name,
      authority: 'Ministry',
      endpoint: 'wss://127.0.0.1:1/federation',
      listen: undefined,
      origin: 'xa.example',
      passphrase: undefined,
    });
  const outcomes = await Promise.allSettled([init('one'), init('two'), init('three')]);
  const made = outcomes.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value.name);
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason as unknown);
  expect(refused).toMatchObject([{ code: 'NODE_EXISTS' }, { code: 'NODE_EXISTS' }]);
  const config = join(dir, 'node.json');
  expect([(JSON.parse(readFileSync(config, 'utf8')) as { readonly name: string }).name]).toEqual(made);
  rmSync(config);
  await expect(init('four')).rejects.toMatchObject({
    code: 'NODE_INCOMPLETE',
    message: expect.stringContaining('without node.json') as string,
  });
}, 120_000);
