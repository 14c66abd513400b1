/** What one ledger alone says that its node cosigned. */
import { beforeEach, expect, test } from 'vitest';
import { auditBundles } from '../../src/audit/mod.ts';
import { puppetBundle } from '../kit/bundle.ts';
import { copyTestFederation } from '../kit/federation.ts';
import { Puppet } from '../kit/puppet.ts';

let xa: Puppet;
let xb: Puppet;

beforeEach(async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  [xa, xb] = [await Puppet.of(federation, 'XA'), await Puppet.of(federation, 'XB')];
  for (const puppet of [xa, xb]) puppet.recordManifest();
});

async function codesOfOne(peer: string, checkpoint: string): Promise<string[]> {
  xa.append({ kind: 'WITNESSED', peer, seq: 0, detail: { type: 'witnessed', value: { checkpoint } } });
  const report = await auditBundles([{ name: 'bundle.zip', bytes: await puppetBundle(xa) }]);
  return report.findings.map(({ code, where }) => `${code} ${where}`);
}

test('a head that the peer signed is in order', async () => {
  expect(await codesOfOne('XB', (await xb.checkpoint()).note)).toEqual([]);
});

test.each([
  ['XB', 'no note', () => 'not a note\n'],
  ['XB', 'a changed size', (theirs: string) => theirs.replace('\n1\n', '\n2\n')],
  ['XB', 'a signature that is cut off', (theirs: string) => theirs.slice(0, theirs.indexOf('\n\n') + 2)],
  ['XB', 'the holder’s own head', (_: string, own: string) => own],
  ['XA', 'a peer’s head as its own', (theirs: string) => theirs],
  ['XZ', 'a head of nobody', (theirs: string) => theirs],
])('%s did not sign %s, as the one bundle shows', async (peer, _what, noteOf) => {
  const note = noteOf((await xb.checkpoint()).note, (await xa.checkpoint()).note);
  expect(await codesOfOne(peer, note)).toEqual(['COSIGNATURE_INVALID bundle.zip: entry 1']);
});
