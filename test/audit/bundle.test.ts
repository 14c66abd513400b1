import { sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { concatBytes, parseUtf8, utf8ToBytes, type JurisdictionCode } from '../../src/base/mod.ts';
import { auditBundles, parsePolicy, type AuditReport, type NamedBundle } from '../../src/audit/mod.ts';
import { encodeProofs, parseProofs, proofsPath } from '../../src/audit/bundle-layout.ts';
import { nodePaths } from '../../src/config/mod.ts';
import {
  KEY_TYPES,
  cosign,
  cosignatureLine,
  encodeEntryBundle,
  encodeVerifierKey,
  parseCheckpointNote,
  parseEntryBundle,
  parseVerifierKey,
  verifierKey,
} from '../../src/ledger/mod.ts';
import { bundleFiles, exportedBundle as bundleOf, rebuildBundle } from '../kit/bundle.ts';
import { acknowledgementDraft, requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';
import { logKeyOf, readPrivateKeys } from '../kit/keys.ts';

const deep = process.env['SLOW'] === '1';
const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
let bundles: { readonly xa: Uint8Array; readonly xb: Uint8Array; readonly earlierXb: Uint8Array };

const audit = (...given: readonly Uint8Array[]): Promise<AuditReport> =>
  auditBundles(given.map((bytes, i) => ({ name: ['xa.zip', 'xb.zip', 'third.zip'][i]!, bytes })));
const codesOf = ({ findings }: AuditReport): string[] => [...new Set(findings.map(({ code }) => code))];

const pathIn = (files: ReadonlyMap<string, Uint8Array>, start: string): string =>
  [...files.keys()].find((path) => path.startsWith(start))!;

/** Two nodes exchange a little; the bundles are made once and used by every test. */
async function makeBundles(): Promise<typeof bundles> {
  const federation = await copyTestFederation([XA, XB]);
  const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
  for (let i = 0; i < 3; i++) {
    const sent = await a.exchange.send(requestDraft(`Facts ${i}.`), XB);
    await a.exchange.answerOf(sent.message_id, 60_000);
    const answer = await b.exchange.send(acknowledgementDraft(sent.message_id), XA);
    await b.exchange.answerOf(answer.message_id, 60_000);
  }
  const earlierXb = await bundleOf(b);
  const last = await a.exchange.send(requestDraft('Last.'), XB);
  await a.exchange.answerOf(last.message_id, 60_000);
  return { xa: await bundleOf(a), xb: await bundleOf(b), earlierXb };
}

test('two nodes make bundles', async () => {
  bundles = await makeBundles();
  expect(bundles.xb.length).toBeGreaterThan(bundles.earlierXb.length);
});

describe('good bundles', () => {
  test('verify alone and together, and the same ledger gives the same bytes', async () => {
    expect(await audit(bundles.xa, bundles.xb)).toMatchObject({ ok: true, findings: [] });
    expect(await audit(bundles.xb)).toMatchObject({ ok: true });
    const report = await audit(bundles.xa, bundles.xb);
    expect(report.exchange).toMatchObject([
      { from: 'XA', to: 'XB', sent: 4, received: 4, unanswered: 0 },
      { from: 'XB', to: 'XA', sent: 3, received: 3, unanswered: 0 },
    ]);
  });

  test('hold no case content', () => {
    for (const bytes of [bundles.xa, bundles.xb]) {
      const text = Buffer.from(bytes).toString('latin1');
      for (const canary of ['Facts 1.', 'Anna Feld', 'DP-PE 77/2026', 'EX 1']) expect(text).not.toContain(canary);
    }
  });

  test('the fingerprint of the first manifest can be demanded', async () => {
    const { ledgers } = await audit(bundles.xa);
    const { fingerprint } = ledgers[0]!.manifest;
    const named = [{ name: 'xa.zip', bytes: bundles.xa }];
    expect((await auditBundles(named, { fingerprint })).ok).toBe(true);
    expect(codesOf(await auditBundles(named, { fingerprint: fingerprint.replace(/./, 'x') }))).toEqual([
      'MANIFEST_INVALID',
    ]);
  });
});

describe('a changed file', () => {
  test('one flipped bit anywhere is found, and its place is named', async () => {
    const { xa } = bundles;
    const step = deep ? 11 : 97;
    for (let at = 0; at < xa.length; at += step) {
      const changed = xa.slice();
      changed[at]! ^= 1 << (at % 8);
      const report = await audit(changed);
      expect(report.ok, `byte ${at}`).toBe(false);
      expect(report.findings[0]!.where).toMatch(/^xa\.zip/);
      expect(report.findings[0]!.detail).not.toBe('');
    }
  });

  test('a size that its files cannot hold is not counted up to', async () => {
    const vast = await rebuildBundle(
      bundles.xa,
      () => undefined,
      (index) => ({ ...index, size: 256 * (index.files.length + 2) }),
    );
    expect(256 * (await bundleFiles(vast)).size).toBeLessThan(vast.length);
    expect(codesOf(await audit(vast))).toEqual(['BUNDLE_MALFORMED']);
  });

  test('the file of a flipped byte is named', async () => {
    const { xa } = bundles;
    const needle = Buffer.from(xa).lastIndexOf('c2sp.org/tlog-proof@v1');
    const changed = xa.slice();
    changed[needle]! ^= 1;
    const report = await audit(changed);
    expect(report.findings[0]).toMatchObject({ code: 'BUNDLE_FILE_CHANGED', where: 'xa.zip: proofs/0' });
  });

  test('cut short, lengthened, empty, or something else altogether', async () => {
    const { xa } = bundles;
    for (const bytes of [
      xa.subarray(0, xa.length - 1),
      concatBytes(xa, Uint8Array.of(0)),
      new Uint8Array(),
      utf8ToBytes('PK'),
      new Uint8Array(5000),
    ]) {
      expect(codesOf(await audit(bytes))).toEqual(['BUNDLE_MALFORMED']);
    }
  });
});

describe('a bundle rebuilt by somebody without the keys', () => {
  test.each<[string, (files: Map<string, Uint8Array>, path: string) => void, RegExp]>([
    [
      'an entry removed',
      (files, path) => files.set(path, encodeEntryBundle(parseEntryBundle(files.get(path)!).toSpliced(2, 1))),
      /ENTRIES_MISSING/,
    ],
    [
      'two entries exchanged',
      (files, path) => {
        const entries = parseEntryBundle(files.get(path)!);
        files.set(path, encodeEntryBundle(entries.with(1, entries[2]!).with(2, entries[1]!)));
      },
      /ROOT_MISMATCH/,
    ],
    [
      'an entry put in the place of another',
      (files, path) => {
        const entries = parseEntryBundle(files.get(path)!);
        files.set(path, encodeEntryBundle(entries.with(2, entries[1]!)));
      },
      /ROOT_MISMATCH/,
    ],
    [
      'a hash of a tile changed',
      (files) => files.set(tileOf(files), flipFirst(files.get(tileOf(files))!)),
      /TILE_MISMATCH/,
    ],
    ['a tile left out', (files) => files.delete(tileOf(files)), /TILE_MISMATCH/],
    ['a file of proofs without any put in', (files) => files.set(proofsPath(0), new Uint8Array()), /PROOF_MISSING/],
    ['a file put in', (files) => files.set('notes.txt', utf8ToBytes('x')), /BUNDLE_FILE_CHANGED/],
    ['the proofs left out', (files) => files.delete(proofsPath(0)), /PROOF_MISSING/],
    [
      'two receipts swapped',
      (files) => {
        const proofs = parseProofs(files.get(proofsPath(0))!)!;
        files.set(proofsPath(0), encodeProofs(proofs.with(0, proofs[1]!).with(1, proofs[0]!)));
      },
      /PROOF_MISMATCH/,
    ],
    [
      'a receipt left out',
      (files) => files.set(proofsPath(0), encodeProofs(parseProofs(files.get(proofsPath(0))!)!.slice(1))),
      /PROOF_MISSING/,
    ],
    ['the manifest left out', (files) => files.delete('manifests/1.json'), /MANIFEST_INVALID/],
    ['the checkpoint left out', (files) => files.delete('checkpoint'), /CHECKPOINT_INVALID/],
    [
      'the checkpoint’s size changed',
      (files) =>
        files.set(
          'checkpoint',
          utf8ToBytes(
            Buffer.from(files.get('checkpoint')!)
              .toString()
              .replace(/\n\d+\n/, '\n3\n'),
          ),
        ),
      /CHECKPOINT_INVALID/,
    ],
    [
      'the manifest’s key changed',
      (files) => {
        const jws = JSON.parse(Buffer.from(files.get('manifests/1.json')!).toString()) as { payload: string };
        const payload = Buffer.from(jws.payload, 'base64url').toString().replace('"threshold":1', '"threshold":2');
        files.set(
          'manifests/1.json',
          utf8ToBytes(`${JSON.stringify({ ...jws, payload: Buffer.from(payload).toString('base64url') })}\n`),
        );
      },
      /MANIFEST_INVALID/,
    ],
  ])('%s', async (_name, change, expected) => {
    const bytes = await rebuildBundle(bundles.xa, (files) => {
      change(files, pathIn(files, 'tile/entries/'));
    });
    const report = await audit(bytes, bundles.xb);
    expect(report.ok).toBe(false);
    expect(codesOf(report).join()).toMatch(expected);
  });
});

describe('two sides', () => {
  test('a bundle that ends before what the other side holds is not accepted', async () => {
    const report = await audit(bundles.xa, bundles.earlierXb);
    expect(codesOf(report)).toEqual(['BUNDLE_BEHIND']);
    expect((await audit(bundles.earlierXb)).ok).toBe(true);
  });

  test('the same ledger twice is said to be so', async () => {
    expect(codesOf(await audit(bundles.xb, bundles.earlierXb))).toEqual(['SAME_LEDGER_TWICE']);
  });

  test('two files of one name are two bundles', async () => {
    const bundle = (bytes: Uint8Array): NamedBundle => ({ name: 'bundle.zip', bytes });
    const twice = await auditBundles([bundle(bundles.xb), bundle(bundles.earlierXb)]);
    expect(codesOf(twice)).toEqual(['SAME_LEDGER_TWICE']);
    expect(twice.ledgers.map(({ name }) => name)).toEqual(['bundle.zip', 'bundle.zip (2)']);
  });

  test('two federations that never met contradict each other in their manifests', async () => {
    const other = await copyTestFederation(['XC', 'XD']);
    const node = await startNode(other, 'XC');
    expect(codesOf(await audit(bundles.xa, await bundleOf(node)))).toEqual(['MANIFEST_CONTRADICTED']);
  });

  test('a history that its own node wrote again is exposed by what the other side holds', async () => {
    // XB, with all its keys, goes back to an empty ledger and receives the same messages again.
    const federation = await copyTestFederation(['XE', 'XF']);
    const [a, b] = [await startNode(federation, 'XE'), await startNode(federation, 'XF')];
    const sent = await a.exchange.send(requestDraft(), 'XF' as JurisdictionCode);
    await a.exchange.answerOf(sent.message_id, 60_000);
    const honest = await bundleOf(a);
    await a.stop();
    await b.stop();
    const again = await copyTestFederation(['XE', 'XF']);
    const [a2, b2] = [await startNode(again, 'XE'), await startNode(again, 'XF')];
    const second = await a2.exchange.send(requestDraft('Other facts.'), 'XF' as JurisdictionCode);
    await a2.exchange.answerOf(second.message_id, 60_000);
    const forged = await bundleOf(b2);
    expect((await audit(forged)).ok).toBe(true);
    const codes = codesOf(await audit(honest, forged));
    expect(codes).toContain('LEDGER_FORKED');
    expect(codes).toContain('ENTRY_CONTRADICTED');
  });
});

test('a node’s published files are the ones in its bundle', async () => {
  const federation = await copyTestFederation([XA, XB]);
  const node = await startNode(federation, XA);
  await node.exchange.send(requestDraft(), XB);
  await node.storage.ledger.publish();
  for (const [path, bytes] of await bundleFiles(await bundleOf(node))) {
    if (!/^(checkpoint|tile\/)/.test(path)) continue;
    expect(readFileSync(join(node.config.paths.ledger, path))).toEqual(Buffer.from(bytes));
  }
});

function tileOf(files: ReadonlyMap<string, Uint8Array>): string {
  return [...files.keys()].find((path) => path.startsWith('tile/0/'))!;
}

function flipFirst(bytes: Uint8Array): Uint8Array {
  const flipped = bytes.slice();
  flipped[0]! ^= 1;
  return flipped;
}

describe('witnesses', () => {
  test('a bundle shows who vouches for how much, and a policy decides whether that is enough', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const witnessing = { witnessIntervalMs: 20 };
    const [a, b] = [await startNode(federation, XA, witnessing), await startNode(federation, XB, witnessing)];
    const sent = await a.exchange.send(requestDraft(), XB);
    await a.exchange.answerOf(sent.message_id, 60_000);
    // What comes after the receipt is about witnessing alone, and at the end nobody is asked to cosign that.
    const answered = a.exchange.grownTo;
    await until(async () => (await a.exchange.cosignatures()).some(({ size }) => size >= answered));
    const [xa, xb] = [await bundleOf(a), await bundleOf(b)];
    const report = await audit(xa, xb);
    expect(report.findings).toEqual([]);
    const { witness } = b.exchange.manifest.members.find(({ code }) => code === XB)!;
    expect(report.ledgers[0]!.cosigned).toMatchObject([{ witness: witness.name }]);

    const policyOf = (text: string): Promise<AuditReport> =>
      auditBundles([{ name: 'xa.zip', bytes: xa }], { policy: parsePolicy(text) });
    const own = a.exchange.manifest.members.find(({ code }) => code === XA)!;
    expect(await policyOf(`witness b ${witness.vkey}\nquorum b\n`)).toMatchObject({
      findings: [],
      ok: true,
      ledgers: [{ witnessed_size: report.ledgers[0]!.cosigned[0]!.size }],
    });
    expect(
      codesOf(
        await policyOf(`witness b ${witness.vkey}\nwitness a ${own.witness.vkey}\ngroup both all a b\nquorum both\n`),
      ),
    ).toEqual(['POLICY_NOT_MET']);
    expect(
      (await policyOf(`witness b ${witness.vkey}\nwitness a ${own.witness.vkey}\ngroup one any a b\nquorum one\n`)).ok,
    ).toBe(true);
    expect(
      (
        await policyOf(
          `# about another ledger\nlog ${b.exchange.manifest.members[1]!.ledger.vkey}\nwitness a ${own.witness.vkey}\nquorum a`,
        )
      ).ok,
    ).toBe(true);

    // Whoever has a name has not the key, and a policy is about keys; without a quorum it is about the ledger's alone.
    const other = logKeyOf('other', '55'.repeat(32)).key.publicKey;
    const impostor = encodeVerifierKey(verifierKey(witness.name, KEY_TYPES.cosignature, other));
    expect(codesOf(await policyOf(`witness b ${impostor}\nquorum b\n`))).toEqual(['POLICY_NOT_MET']);
    const named = (publicKey: Uint8Array): string =>
      encodeVerifierKey(verifierKey(own.ledger.origin, KEY_TYPES.ed25519, publicKey));
    expect(codesOf(await policyOf(`log ${named(other)}\nquorum none\n`))).toEqual(['POLICY_NOT_MET']);
    expect((await policyOf(`log ${own.ledger.vkey}\nquorum none\n`)).ok).toBe(true);

    // A cosignature of a time for which there is no date.
    const path = pathIn(await bundleFiles(xa), 'cosigned/');
    const late = await rebuildBundle(xa, (files) => {
      const [text, lines] = parseUtf8(files.get(path)!).split('\n\n') as [string, string];
      const head = parseCheckpointNote(`${text}\n\n${lines}`);
      const key = parseVerifierKey(witness.vkey);
      const secret = readPrivateKeys(nodePaths(federation.dirOf(XB)).keys).witness;
      const encoded = cosign(head.origin, head, 8_900_000_000_000, key, (message) => sign(null, message, secret));
      const line = cosignatureLine(key.name, encoded);
      files.set(path, utf8ToBytes(`${text}\n\n${lines.split('\n')[0]}\n${line}`));
    });
    expect((await audit(late)).ledgers[0]!.cosigned).toMatchObject([{ time: '+275760-09-13T00:00:00.000Z' }]);

    // A cosignature under the wrong size, a false one, and one left out.
    const edit = (change: (text: string) => string): Promise<Uint8Array> =>
      rebuildBundle(xa, (files) => files.set(path, Buffer.from(change(Buffer.from(files.get(path)!).toString()))));
    expect(codesOf(await audit(await edit((text) => text.replace(/.{5}\n$/, 'AAAA=\n'))))).toContain(
      'COSIGNATURE_INVALID',
    );
    const renamed = await rebuildBundle(xa, (files) => {
      files.set('cosigned/1', files.get(path)!);
      if (path !== 'cosigned/1') files.delete(path);
    });
    expect(codesOf(await audit(renamed)).length > 0 || path === 'cosigned/1').toBe(true);
  });

  test('a cosignature of a time at which its key was not valid, as the newest manifest has it, is in no bundle', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const node = await startNode(federation, XA);
    const { store, ledger } = node.storage;
    const key = parseVerifierKey(node.exchange.manifest.members.find(({ code }) => code === XB)!.witness.vkey);
    const secret = readPrivateKeys(nodePaths(federation.dirOf(XB)).keys).witness;
    const timeS = 9_100_000_000_000;
    const scan = store.scan.bind(store);
    store.scan = async function* (prefix, options) {
      if (prefix !== 'cosigned/') {
        yield* scan(prefix, options);
        return;
      }
      const { origin, size, root } = ledger.checkpoint;
      const signature = cosign(origin, { size, root }, timeS, key, (message) => sign(null, message, secret));
      yield [`cosigned/${XB}`, utf8ToBytes(JSON.stringify({ size, signature, time: timeS }))];
    };
    const bytes = await bundleOf(node);
    store.scan = scan;
    expect(await audit(bytes)).toMatchObject({ findings: [], ledgers: [{ cosigned: [] }] });
  });

  test('a policy that asks for nobody is met by a ledger that nobody has witnessed', async () => {
    const named = [{ name: 'xa.zip', bytes: bundles.xa }];
    expect(await auditBundles(named, { policy: parsePolicy('quorum none') })).toMatchObject({ ok: true, findings: [] });
  });

  const LOG = logKeyOf('a.example/a', '11'.repeat(32)).key;
  const WITNESS = encodeVerifierKey(verifierKey(LOG.name, KEY_TYPES.cosignature, LOG.publicKey));

  test.each([
    ['', 'no quorum'],
    ['quorum x', 'Line 1'],
    ['witness a nonsense\nquorum a', 'Line 1'],
    ['group g any\nquorum g', 'Line 1'],
    ['nonsense', 'Line 1'],
    [`witness a ${encodeVerifierKey(LOG)}\nquorum a`, 'Line 1'],
    ...['+1', '01', '1.0', '1e0', '0x1', '2'].map((count) => [
      `witness a ${WITNESS}\ngroup g ${count} a\nquorum g`,
      'Line 2',
    ]),
    ['quorum none\nquorum none', 'Line 2'],
  ])('the policy %j is none', (text, words) => {
    expect(() => parsePolicy(text)).toThrow(
      expect.objectContaining({
        code: 'AUDIT_POLICY_MALFORMED',
        message: expect.stringContaining(words) as string,
      }) as Error,
    );
  });
});
