/** A node whose keys are in a hardware security module, and one whose keys are files. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { auditBundles, type NamedBundle } from '../../src/audit/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import {
  amendDraft,
  createCouncil,
  diagnose,
  enrolMember,
  fingerprintOf,
  healthOf,
  initNode,
  installManifest,
  keyDesk,
  rotateAt,
  signDraft,
  type Node,
} from '../../src/node/mod.ts';
import { KEY_USES, setMinimumSuite, verifyKeyUpdate, verifyManifest } from '../../src/trust/mod.ts';
import { exportedBundle } from '../kit/bundle.ts';
import { runCommand } from '../kit/command.ts';
import { requestDraft } from '../kit/drafts.ts';
import { freePort, startNode, until, type TestFederation } from '../kit/federation.ts';
import { runCommand as runProcess, type Outcome } from '../kit/process.ts';
import { makeNextKey, publishDraft } from '../kit/rotation.ts';
import { SOFTHSM, TOKEN_PIN, makeTokens, unplug } from '../kit/softhsm.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const LABEL = 'office of XA';
const FILES = [
  'ca.key',
  'ca.pem',
  'data-key.json',
  expect.stringMatching(/^kem-[0-9a-f]{16}\.key$/),
  'tls.key',
  'tls.pem',
];

describe.skipIf(SOFTHSM === undefined)('a node with a token', () => {
  const token = SOFTHSM!;
  let federation: TestFederation;
  let folder: string;

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  beforeAll(async () => {
    makeTokens([LABEL, 'empty', 'second']);
    folder = mkdtempSync(join(tmpdir(), 'rogatory-token-'));
    const dirOf = (code: string): string => join(folder, code.toLowerCase());
    const pin = join(folder, 'pin');
    writeFileSync(pin, `${TOKEN_PIN}\n`);
    process.env['ROGATORY_PIN_FILE'] = pin;
    const endpoint = async (): Promise<string> => `wss://127.0.0.1:${await freePort()}`;
    const common = ['init', '--jurisdiction', 'XA', '--dir', dirOf(XA), '--endpoint', await endpoint(), '--json'];
    const made = await runCommand(...common, '--pkcs11', token, '--token', LABEL);
    expect(made, made.stderr).toMatchObject({ status: 0 });
    expect(JSON.parse(made.stdout)).toMatchObject({ ok: true, token: LABEL });
    delete process.env['ROGATORY_PIN_FILE'];
    const other = ['init', '--jurisdiction', 'XB', '--dir', dirOf(XB), '--endpoint', await endpoint(), '--json'];
    expect(await runCommand(...other)).toMatchObject({ status: 0 });
    const council = join(folder, 'council');
    await createCouncil(council, { keys: 1, threshold: 1 });
    // The council checks that every key is held: those in the token are proved by it.
    for (const code of [XA, XB]) await enrolMember(council, readFileSync(nodePaths(dirOf(code)).enrolment, 'utf8'));
    const manifest = await signDraft(council);
    const verified = verifyManifest(manifest, { selfSigned: true });
    if (!verified.ok) throw new Error(verified.detail);
    const fingerprint = fingerprintOf(verified.value);
    for (const code of [XA, XB]) await installManifest(dirOf(code), manifest, fingerprint);
    federation = { folder, council, manifest, fingerprint, dirOf };
  }, 120_000);

  test('exchanges messages with a node whose keys are files, in either suite, and the audit is clean', async () => {
    expect(readdirSync(nodePaths(federation.dirOf(XA)).keys).sort()).toEqual([...FILES, 'pin.key'].sort(byName));
    let a = await startNode(federation, XA);
    const b = await startNode(federation, XB);
    expect(a.storage.keys.kind).toBe('pkcs11');
    const exchange = async (suite: number): Promise<void> => {
      const there = await a.exchange.send(requestDraft(), XB);
      const back = await b.exchange.send(requestDraft(), XA);
      expect(await a.exchange.answerOf(there.message_id, 60_000)).toMatchObject({ status: 'RECEIVED', suite });
      expect(await b.exchange.answerOf(back.message_id, 60_000)).toMatchObject({ status: 'RECEIVED', suite });
    };
    await exchange(1);
    await amendDraft(federation.council, (draft, nowMs) => setMinimumSuite(draft, undefined, 2, nowMs));
    const text = await signDraft(federation.council);
    expect((await a.exchange.takeManifest(text)).ok).toBe(true);
    a.transport.manifestChanged();
    await until(() => b.exchange.manifest.version === 2, 60_000);
    await exchange(2);

    // The token was away for a moment: nobody notices.
    unplug(token, LABEL);
    await exchange(2);
    expect((await healthOf(a)).findings.filter(({ code }) => /^CANNOT|KEY/.test(code))).toEqual([]);

    // After a restart the same keys are found, with the PIN that rests under the data key.
    await a.stop();
    a = await startNode(federation, XA);
    await exchange(2);
    expect((await auditBundles(await Promise.all([a, b].map(named)))).ok).toBe(true);
    await a.stop();
    await b.stop();
    const found = await diagnose(federation.dirOf(XA), undefined, undefined);
    expect(found.filter(({ check }) => check === 'keys').map(({ level, text: says }) => [level, says])).toEqual([
      ['ok', expect.stringContaining(LABEL)],
    ]);
  }, 240_000);

  test('makes its next keys in the token, and each proves that it is held', async () => {
    const node = await startNode(federation, XA);
    const before = readdirSync(nodePaths(federation.dirOf(XA)).keys);
    for (const use of KEY_USES) {
      const { update, kid } = await rotateAt(keyDesk(node), use, { startsInMs: 1000, overlapMs: 1000 });
      expect(verifyKeyUpdate(update, node.exchange.manifest, Date.now())).toMatchObject({ ok: true, value: { use } });
      expect(node.storage.keys[use].at(-1)!.kid).toBe(kid);
    }
    const fresh = readdirSync(nodePaths(federation.dirOf(XA)).keys).filter((name) => !before.includes(name));
    const [kem, ...tls] = fresh.sort();
    expect(kem).toMatch(/^kem-[0-9a-f]{16}\.key$/);
    expect(tls.every((name) => name.startsWith('tls-'))).toBe(true);
    const { key } = node.storage.ledger;
    await node.stop();
    // A token says in its own order what it has: what is not listed changes nothing.
    const again = await startNode(federation, XA);
    expect(again.storage.ledger.key).toEqual(key);
    await again.stop();
  }, 240_000);

  test('changes to them when they are listed, and finds them again', async () => {
    let a = await startNode(federation, XA);
    const b = await startNode(federation, XB);
    const kids = (): string[] => KEY_USES.map((use) => a.ownKeys.current[use].kid);
    const next: string[] = [];
    for (const use of KEY_USES) next.push((await makeNextKey(federation, a, use)).kid);
    await publishDraft(federation, a);
    await until(() => kids().join() === next.join(), 60_000);
    const exchange = async (): Promise<void> => {
      for (const [from, to] of [
        [a, XB],
        [b, XA],
      ] as const) {
        const { message_id: id } = await from.exchange.send(requestDraft(), to);
        expect((await from.exchange.answerOf(id, 60_000)).status).toBe('RECEIVED');
      }
    };
    await exchange();
    const { key } = a.storage.ledger;
    await a.stop();
    a = await startNode(federation, XA);
    expect([kids(), a.storage.ledger.key]).toEqual([next, key]);
    await exchange();
    expect((await auditBundles(await Promise.all([a, b].map(named)))).findings).toEqual([]);
    await a.stop();
    await b.stop();
  }, 240_000);

  test('says what is wrong when it cannot get at its keys', async () => {
    const dir = federation.dirOf(XA);
    const wrong = await doctor(dir, { ROGATORY_PIN: 'not the PIN' });
    expect(wrong.status).toBe(1);
    expect(wrong.stdout).toContain('refuses the PIN: CKR_PIN_INCORRECT');
    const config = JSON.parse(readFileSync(nodePaths(dir).config, 'utf8')) as { readonly pkcs11: object };
    const startWith = async (pkcs11: object): Promise<unknown> => {
      writeFileSync(nodePaths(dir).config, JSON.stringify({ ...config, pkcs11: { ...config.pkcs11, ...pkcs11 } }));
      try {
        return await startNode(federation, XA);
      } catch (error) {
        return error;
      } finally {
        writeFileSync(nodePaths(dir).config, JSON.stringify(config));
      }
    };
    expect(await startWith({ module: '/nowhere/libtoken.so' })).toMatchObject({ code: 'NODE_TOKEN_UNAVAILABLE' });
    expect(await startWith({ token: 'nobody’s' })).toMatchObject({ code: 'NODE_TOKEN_UNAVAILABLE' });
    expect(await startWith({ token: 'empty' })).toMatchObject({ code: 'NODE_INCOMPLETE' });
    expect(await startWith({ module: 'libtoken.so' })).toMatchObject({ code: 'CONFIG_INVALID' });
  }, 240_000);

  test('is not set up over another’s keys, nor without a PIN, and leaves no folder behind', async () => {
    const dir = join(federation.folder, 'again');
    const options = {
      code: XA,
      dir,
      name: 'XA',
      authority: 'Central authority of XA',
      endpoint: '',
      listen: undefined,
      origin: 'xa.test.example',
      passphrase: undefined,
    };
    const at = { module: token, pin: TOKEN_PIN, keepPin: false };
    await expect(initNode({ ...options, token: { ...at, token: LABEL } })).rejects.toMatchObject({
      code: 'NODE_EXISTS',
    });
    expect(existsSync(nodePaths(dir).config)).toBe(false);
    const second = join(federation.folder, 'second');
    await initNode({ ...options, dir: second, token: { ...at, token: 'second' } });
    expect(readdirSync(nodePaths(second).keys).sort()).toEqual([...FILES].sort(byName));
    const config = loadNodeConfig(nodePaths(second).config, {});
    expect(config.pkcs11).toEqual({ module: token, token: 'second' });
    const asked = await doctor(second, {});
    expect(asked.status).toBe(1);
    expect(asked.stdout).toContain('ROGATORY_PIN_FILE');
    const [given, alone] = [
      ['--pkcs11', token],
      ['--token', LABEL],
    ];
    for (const options of [given, alone, [...given, ...alone]]) {
      const refused = await runCommand(
        'init',
        '--jurisdiction',
        'XC',
        '--dir',
        dir,
        '--origin',
        'xc',
        '--json',
        ...options,
      );
      expect(refused.status).toBe(2);
    }
  }, 240_000);
});

async function named(node: Node): Promise<NamedBundle> {
  return { name: `${node.config.code}.zip`, bytes: await exportedBundle(node) };
}

/** In a process of its own, which has to log in to the token by itself. */
function doctor(dir: string, env: Readonly<Record<string, string>>): Promise<Outcome> {
  const conf = { SOFTHSM2_CONF: process.env['SOFTHSM2_CONF']! };
  return runProcess([process.execPath, 'scripts/rogatory', 'doctor', '--node', dir, '--json'], { ...conf, ...env })
    .outcome;
}

/** The order of names, with a pattern in place of one. */
function byName(a: unknown, b: unknown): number {
  const name = (value: unknown): string => (typeof value === 'string' ? value : 'kem-');
  return name(a) < name(b) ? -1 : 1;
}
