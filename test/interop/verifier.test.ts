/** The second implementation of the verifying side, in another language, against real nodes and against this one. */
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseUtf8, type JurisdictionCode } from '../../src/base/mod.ts';
import { auditBundles } from '../../src/audit/mod.ts';
import { generateStaffKey } from '../../src/credential/mod.ts';
import { exchangeKeys } from '../../src/exchange/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import { beginEpoch, bundleOf, openNodeStorage, type Node } from '../../src/node/mod.ts';
import { OPERATOR, listStaff, registerStaff } from '../../src/staff/mod.ts';
import { acknowledgementDraft, requestDraft } from '../kit/drafts.ts';
import { collect, exportedBundle, rebuildBundle } from '../kit/bundle.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';

const PYTHON = '/usr/bin/python3';
const isRequired = process.env['ROGATORY_INTEROP'] === 'require';
const isThere = spawnSync(PYTHON, ['-c', 'import cryptography'], { stdio: 'ignore' }).status === 0;
if (!isThere)
  process.stderr.write('skipped: the verifier in Python needs /usr/bin/python3 with python3-cryptography\n');
const MUTATIONS = process.env['SLOW'] === '1' ? Number(process.env['ROGATORY_MUTATIONS'] ?? 2000) : 60;

function verifier(...args: readonly string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  return spawnSync(PYTHON, ['test/interop/verifier.py', ...args], { encoding: 'utf8', maxBuffer: 1e8 });
}

async function writeBundle(node: Node, path: string): Promise<Uint8Array> {
  const bytes = await exportedBundle(node);
  writeFileSync(path, bytes);
  return bytes;
}

describe.runIf(isThere || isRequired)('the verifier in Python', () => {
  test('makes the same of every vector', () => {
    expect(verifier('vectors', 'test/vectors/valid')).toMatchObject({
      status: 0,
      stdout: 'OK every vector\n',
      stderr: '',
    });
  });

  test('verifies two nodes, their bundles, and a message; and agrees with this one on every mutation', async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const witnessing = { witnessIntervalMs: 0 };
    const a = await startNode(federation, 'XA', witnessing);
    const b = await startNode(federation, 'XB', witnessing);
    for (let i = 0; i < 3; i++) {
      const sent = await a.exchange.send(requestDraft(`Facts ${i}.`), 'XB' as JurisdictionCode);
      await a.exchange.answerOf(sent.message_id, 60_000);
      const answer = await b.exchange.send(acknowledgementDraft(sent.message_id), 'XA' as JurisdictionCode);
      await b.exchange.answerOf(answer.message_id, 60_000);
    }
    // What people did is in the ledger too.
    const { x } = generateStaffKey();
    const person = { person: 'hale', name: 'R. Hale', roles: ['REGISTRAR'], clearance: 'ASSIGNED', x } as const;
    await registerStaff(a.staff, OPERATOR, { ...person, expires_at: Date.now() + 86_400_000 });
    await listStaff(a.staff, { ...person, roles: ['AUDITOR'] });
    for (const node of [a, b]) await until(() => isWitnessed(node), 60_000);
    const folder = temporaryFolder();
    const at = (name: string): string => join(folder, name);
    const xa = await writeBundle(a, at('xa.zip'));
    await writeBundle(b, at('xb.zip'));
    for (const node of [a, b]) {
      await node.storage.ledger.publish();
      expect(verifier('node', node.config.paths.dir)).toMatchObject({ status: 0, stderr: '' });
    }
    expect(verifier('bundle', at('xa.zip'), at('xb.zip'))).toMatchObject({ status: 0, stderr: '' });

    const incoming = (await b.exchange.messages({})).find(({ direction }) => direction === 'IN')!;
    writeFileSync(at('sealed.jwe'), parseUtf8((await a.storage.store.get(exchangeKeys.sealed(incoming.message_id)))!));
    const opened = verifier('open', b.config.paths.dir, at('xa.zip'), at('sealed.jwe'));
    expect(opened.stdout).toBe(
      `OK assistance_request ${incoming.message_id} from XA, number ${incoming.seq}, in its ledger\n`,
    );
    // Not for XA's key, and not in XB's ledger.
    expect(verifier('open', a.config.paths.dir, at('xa.zip'), at('sealed.jwe')).status).toBe(1);
    expect(verifier('open', b.config.paths.dir, at('xb.zip'), at('sealed.jwe')).status).toBe(1);

    // Every form that a bundle can have: whole with cosignatures, parts of it, one that discloses, and one of a later epoch.
    const { message_id: id } = incoming;
    const forms = [
      xa,
      await exportedBundle(a, { from: '2', to: '7' }),
      await exportedBundle(a, { peer: 'XB' }),
      await exportedBundle(a, { disclose: [id] }),
      await epochBundle(b),
    ];
    const mutants = await Promise.all(Array.from({ length: MUTATIONS }, (_, n) => mutate(forms[n % forms.length]!, n)));
    const paths = mutants.map((bytes, n) => {
      writeFileSync(at(`${n}.zip`), bytes);
      return at(`${n}.zip`);
    });
    const theirs = verifier('each', ...paths)
      .stdout.trim()
      .split('\n');
    expect(theirs).toHaveLength(MUTATIONS);
    for (const [n, bytes] of mutants.entries()) {
      const own = await auditBundles([{ name: `${n}.zip`, bytes }]);
      expect({ n, ok: own.ok, theirs: theirs[n] }).toEqual({
        n,
        ok: false,
        theirs: expect.stringMatching(/^WRONG/) as string,
      });
    }

    // Good ones: those forms, and parts of the ledger, from one entry to all, of a range or of a peer.
    const { size } = a.storage.ledger;
    const good = await Promise.all(
      Array.from({ length: MUTATIONS }, async (_, n) => {
        const [from, to] = [n % size, (n % size) + (Math.floor(n / size) % (size - (n % size)))];
        const part = { from: String(from), to: String(to), ...(n % 3 === 0 ? { peer: 'XB' } : {}) };
        const bytes = forms[n] ?? (await exportedBundle(a, part));
        writeFileSync(at(`good-${n}.zip`), bytes);
        return bytes;
      }),
    );
    const verdicts = verifier('each', ...good.map((_, n) => at(`good-${n}.zip`)))
      .stdout.trim()
      .split('\n');
    expect(verdicts.filter((line) => !line.startsWith('OK'))).toEqual([]);
    expect(verdicts).toHaveLength(MUTATIONS);
    for (const [n, bytes] of good.entries()) {
      const own = await auditBundles([{ name: `good-${n}.zip`, bytes }]);
      expect({ n, ok: own.ok, findings: own.findings }).toEqual({ n, ok: true, findings: [] });
    }
  }, 600_000);

  test('says the same of a ledger that has lost entries, alone and against what its peer holds', async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const b = await startNode(federation, 'XB');
    const folder = temporaryFolder();
    const at = (name: string): string => join(folder, name);
    const exchangeOne = async (): Promise<void> => {
      const a = await startNode(federation, 'XA', { witnessIntervalMs: 0 });
      const sent = await a.exchange.send(requestDraft(), 'XB' as JurisdictionCode);
      await a.exchange.answerOf(sent.message_id, 60_000);
      await until(() => isWitnessed(a), 60_000);
      await a.stop();
    };
    await exchangeOne();
    const dir = federation.dirOf('XA');
    cpSync(join(dir, 'store'), at('store'), { recursive: true });
    await exchangeOne();
    rmSync(join(dir, 'store'), { recursive: true });
    cpSync(at('store'), join(dir, 'store'), { recursive: true });
    const begun = await beginEpoch(loadNodeConfig(nodePaths(dir).config, {}), undefined);
    expect(begun.signed).toBeGreaterThan(begun.kept);
    const compare = async (xa: Uint8Array, found: readonly string[], said: RegExp): Promise<void> => {
      const xb = await exportedBundle(b);
      writeFileSync(at('xa.zip'), xa);
      writeFileSync(at('xb.zip'), xb);
      const { findings } = await auditBundles([
        { name: 'xa.zip', bytes: xa },
        { name: 'xb.zip', bytes: xb },
      ]);
      expect([...new Set(findings.map(({ code }) => code))].sort()).toEqual(found);
      expect(verifier('bundle', at('xa.zip'), at('xb.zip')).stdout).toMatch(said);
    };
    // Nobody was asked yet: what XB holds of XA is missing there.
    const storage = await openNodeStorage(loadNodeConfig(nodePaths(dir).config, {}), undefined);
    const before = await collect(await bundleOf('XA' as JurisdictionCode, storage));
    await storage.close();
    await compare(
      before,
      ['ENTRIES_LOST', 'ENTRY_CONTRADICTED'],
      /^WRONG: .*(lost an entry that XB holds|was never sent)/,
    );
    const a = await startNode(federation, 'XA');
    await until(async () => (await b.exchange.incidents()).length > 0, 60_000);
    await compare(
      await exportedBundle(a),
      ['ENTRIES_LOST', 'INCIDENT_RECORDED'],
      /^WRONG: XA lost entries: epoch 2 keeps \d+ of \d+ entries/,
    );
  }, 300_000);
});

/** Its peer has cosigned everything, so that nothing more moves. */
async function isWitnessed({ exchange }: Node): Promise<boolean> {
  const [cosigned] = await exchange.cosignatures();
  return cosigned !== undefined && cosigned.size >= exchange.grownTo;
}

/** A node's ledger in a second epoch that lost nothing, as of a machine whose head is gone: it has to verify like any other. */
async function epochBundle(node: Node): Promise<Uint8Array> {
  const dir = join(temporaryFolder(), 'copy');
  const { paths } = node.config;
  await node.stop();
  cpSync(paths.dir, dir, { recursive: true });
  rmSync(nodePaths(dir).head);
  const config = loadNodeConfig(nodePaths(dir).config, {});
  expect(await beginEpoch(config, undefined)).toMatchObject({ number: 2, signed: undefined });
  const storage = await openNodeStorage(config, undefined);
  const bytes = await collect(await bundleOf(config.code, storage));
  await storage.close();
  return bytes;
}

/** Half of the mutants are changed as they stand, half are rebuilt into well-formed zips with a fitting index. */
async function mutate(bytes: Uint8Array, n: number): Promise<Uint8Array> {
  const random = (limit: number): number => Math.floor((Math.abs(Math.sin(n * 9301 + limit)) * 233_280) % limit);
  if (n % 2 === 0) {
    const changed = bytes.slice();
    changed[random(bytes.length)]! ^= 1 << random(8);
    return changed;
  }
  return rebuildBundle(bytes, (files) => {
    const names = [...files.keys()];
    const name = names[random(names.length)]!;
    const content = files.get(name)!.slice();
    content[random(content.length)]! ^= 1 << (n % 7);
    files.set(name, content);
  });
}
