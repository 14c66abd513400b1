/** `rogatory doctor`: each thing that can be wrong with a node is found, and nothing else is. */
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { ApiServer } from '../../src/api/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import { amendDraft, diagnose, endingsOf, signDraft, type Diagnosis } from '../../src/node/mod.ts';
import { draftManifest, generateCouncilKey, verifyManifest, type Manifest, type Member } from '../../src/trust/mod.ts';
import { changeConfig, copyTestFederation, startNode, until, type TestFederation } from '../kit/federation.ts';
import { runCommand } from '../kit/command.ts';
import { readPrivateKeys } from '../kit/keys.ts';
import { CAN_MOUNT, onSmallDisk } from '../kit/small-disk.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const DAY = 86_400_000;

interface Report {
  readonly status: number | null;
  readonly diagnoses: readonly Diagnosis[];
  readonly toDo: readonly string[];
}

async function doctor(dir: string): Promise<Report> {
  const { status, stdout } = await runCommand('doctor', '--node', dir, '--json');
  const { diagnoses } = JSON.parse(stdout) as { readonly diagnoses: readonly Diagnosis[] };
  const toDo = diagnoses.filter(({ level }) => level === 'warn' || level === 'fail');
  for (const { advice } of toDo) expect(advice).toMatch(/.{20}/);
  return { status, diagnoses, toDo: toDo.map(({ check }) => check) };
}

/** A node with its local interface, as `serve` runs it. */
async function serveHere(federation: TestFederation, code: string): Promise<Awaited<ReturnType<typeof startNode>>> {
  const node = await startNode(federation, code);
  const api = await ApiServer.open(node);
  onTestFinished(() => api.close());
  return node;
}

/** Changes what the next manifest says of one member. */
async function changeMember(
  federation: TestFederation,
  code: JurisdictionCode,
  change: (member: Member) => Member,
): Promise<void> {
  await amendDraft(federation.council, (draft) => ({
    ...draft,
    members: draft.members.map((member) => (member.code === code ? change(member) : member)),
  }));
}

describe('a node that is well', () => {
  test('running, and its peer running: nothing to do', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const a = await serveHere(federation, XA);
    await serveHere(federation, XB);
    await until(() => a.transport.connections()[0]!.connected);
    const { status, toDo, diagnoses } = await doctor(federation.dirOf(XA));
    expect({ status, toDo }).toEqual({ status: 0, toDo: [] });
    const checks = new Set(diagnoses.map(({ check }) => check));
    for (const check of [
      'configuration',
      'permissions',
      'disk',
      'keys',
      'ledger',
      'manifest',
      'expiry',
      'clock',
      'ports',
      'peers',
    ])
      expect(checks).toContain(check);
    const words = await runCommand('doctor', '--node', federation.dirOf(XA));
    expect(words.stdout).toContain('Nothing to do.');

    // What else a person asks of two nodes that are well.
    const node = ['--node', federation.dirOf(XA)];
    const out = join(federation.folder, 'a', 'new', 'folder');
    const bundle = join(out, 'bundle.zip');
    expect(await runCommand('audit', 'export', ...node, '-o', bundle)).toMatchObject({ status: 0 });
    const html = join(out, 'reports', 'report.html');
    expect(await runCommand('audit', 'verify', bundle, '--html', html)).toMatchObject({ status: 0 });
    expect(readFileSync(html, 'utf8')).toContain('<html');
    expect(await runCommand('backup', ...node, '-o', join(out, 'backups', 'b.zip'))).toMatchObject({ status: 0 });
    const stranger = await runCommand('ledger', 'seen', 'xq', ...node);
    expect(stranger.status).toBe(1);
    expect(stranger.stderr).toContain(
      'TRUST_UNKNOWN_MEMBER: XQ is not another member of the federation; its others are XB.',
    );
    expect((await runCommand('status', ...node)).stdout).toContain('  incidents none\n');
  }, 240_000);

  test('stopped, with a peer that runs: it is dialled for real', async () => {
    const federation = await copyTestFederation([XA, XB]);
    await startNode(federation, XB);
    const { ledger } = nodePaths(federation.dirOf(XA));
    rmSync(ledger, { recursive: true });
    const { status, diagnoses } = await doctor(federation.dirOf(XA));
    expect(status).toBe(0);
    expect(diagnoses.find(({ check }) => check === 'peers')!.text).toMatch(/^XB answers at wss:/);
    expect(diagnoses.find(({ check }) => check === 'ledger')!.text).toContain('hashed again');
    // It looks, and publishes nothing.
    expect(existsSync(ledger)).toBe(false);
  });
});

describe('a node that is not', () => {
  const broken: [string, string, (dir: string, federation: TestFederation) => unknown][] = [
    [
      'no node.json',
      'configuration',
      (dir) => {
        rmSync(join(dir, 'node.json'));
      },
    ],
    [
      'a node.json that is none',
      'configuration',
      (dir) => {
        writeFileSync(join(dir, 'node.json'), '{"version":1}');
      },
    ],
    [
      'keys that others can read',
      'permissions',
      (dir) => {
        chmodSync(join(dir, 'keys', 'sign.key'), 0o644);
      },
    ],
    [
      'a folder of keys that others can list',
      'permissions',
      (dir) => {
        chmodSync(join(dir, 'keys'), 0o755);
      },
    ],
    [
      'a missing key',
      'keys',
      (dir) => {
        rmSync(join(dir, 'keys', 'sign.key'));
      },
    ],
    [
      'a changed key',
      'keys',
      (dir) => {
        writeFileSync(join(dir, 'keys', 'sign.key'), Buffer.alloc(80), { mode: 0o600 });
      },
    ],
    [
      'no head',
      'ledger',
      (dir) => {
        rmSync(join(dir, 'head'));
      },
    ],
    [
      'a head that is none',
      'ledger',
      (dir) => {
        writeFileSync(join(dir, 'head'), 'x');
      },
    ],
    [
      'no manifest',
      'manifest',
      (dir) => {
        rmSync(join(dir, 'manifest.json'));
      },
    ],
  ];
  test.each(broken)('%s', async (_name, check, breakIt) => {
    const federation = await copyTestFederation([XA, XB]);
    await startNode(federation, XB);
    const dir = federation.dirOf(XA);
    breakIt(dir, federation);
    const report = await doctor(dir);
    expect(report.status).toBe(1);
    expect(report.toDo).toEqual([check]);
  });

  test('a port that is taken, and a peer that is down or is another', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const portOf = (code: string): number => loadNodeConfig(nodePaths(federation.dirOf(code)).config, {}).listen!.port;
    const squatter = createServer().listen(portOf(XA), '127.0.0.1');
    onTestFinished(() => void squatter.close());
    changeConfig(federation, XA, { metrics_listen: { port: portOf(XA) } });
    const report = await doctor(federation.dirOf(XA));
    expect(report.toDo).toEqual(['ports', 'ports', 'peers']);
    const ports = report.diagnoses.filter(({ check }) => check === 'ports');
    expect(ports.map(({ text }) => /for (.*) \(EADDRINUSE\)/.exec(text)?.[1])).toEqual(['peers', 'metrics']);
    expect(ports.map(({ advice }) => /“.*”/.exec(advice!)?.[0])).toEqual(['“listen”', '“metrics_listen”']);
    expect(report.diagnoses.find(({ check }) => check === 'peers')!.text).toContain('ECONNREFUSED');
  });

  test('a token that is not there', async () => {
    const federation = await copyTestFederation([XA, XB]);
    changeConfig(federation, XA, { pkcs11: { module: '/nowhere.so', token: 'XA' } });
    for (const [pin, code, advice] of [
      ['1234', 'NODE_TOKEN_UNAVAILABLE', 'Bring the token back'],
      ['', 'CONFIG_SECRET_MISSING', 'Give what is missing'],
    ] as const) {
      vi.stubEnv('ROGATORY_PIN', pin === '' ? undefined : pin);
      const { diagnoses, toDo } = await doctor(federation.dirOf(XA));
      expect(toDo).toEqual(['keys']);
      expect(diagnoses.find(({ check }) => check === 'keys')).toMatchObject({
        text: expect.stringContaining(code) as string,
        advice: expect.stringContaining(advice) as string,
      });
    }
    vi.unstubAllEnvs();
  });

  test('a disk on which nothing can be written', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const dir = federation.dirOf(XA);
    // What the doctor would write is in the way of itself: root could write anywhere else.
    mkdirSync(join(dir, `.doctor-${process.pid}`));
    const found = await diagnose(dir, undefined, undefined);
    expect(found.filter(({ check, level }) => check === 'disk' && level === 'fail')).toMatchObject([
      { text: expect.stringContaining('EEXIST') as string },
    ]);
  });

  test('what a doctor that was killed left behind is no fault of the disk', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const dir = federation.dirOf(XA);
    writeFileSync(join(dir, `.doctor-${process.pid}`), 'pro');
    const found = await diagnose(dir, undefined, undefined);
    expect(found.filter(({ check, level }) => check === 'disk' && level === 'fail')).toEqual([]);
    expect(existsSync(join(dir, `.doctor-${process.pid}`))).toBe(false);
  });

  test.runIf(CAN_MOUNT).each([
    ['400m', 'warn'],
    ['50m', 'fail'],
  ])('a disk with less than %s left', async (size, level) => {
    const federation = await copyTestFederation([XA, XB]);
    await startNode(federation, XB);
    const dir = federation.dirOf(XA);
    onSmallDisk(dir, size);
    const { status, toDo, diagnoses } = await doctor(dir);
    expect({ status, toDo }).toEqual({ status: 1, toDo: ['disk'] });
    const [room] = diagnoses.filter(({ check }) => check === 'disk');
    expect(room).toMatchObject({ level, text: expect.stringMatching(/^[1-9]\d* MiB free$/) as string });
    expect(room!.advice).toContain('Make room');
  });

  test('a manifest that lists another TLS key than is held', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const a = await startNode(federation, XA);
    await changeMember(federation, XA, ({ tls, ...member }) => ({
      ...member,
      tls: { ...tls, spki_sha256: tls.spki_sha256.map((pin) => ({ ...pin, sha256: 'A'.repeat(43) })) },
    }));
    expect((await a.exchange.takeManifest(await signDraft(federation.council))).ok).toBe(true);
    await a.stop();
    const found = await diagnose(federation.dirOf(XA), undefined, undefined);
    expect(found.filter(({ check, level }) => check === 'manifest' && level === 'fail')).toHaveLength(1);
  });

  test('a peer that has another manifest: newer, or one in which this node has no part', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const b = await startNode(federation, XB);
    const publish = async (): Promise<void> => {
      expect((await b.exchange.takeManifest(await signDraft(federation.council))).ok).toBe(true);
      b.transport.manifestChanged();
    };
    const peers = async (): Promise<Diagnosis[]> =>
      (await diagnose(federation.dirOf(XA), undefined, undefined)).filter(({ check }) => check === 'peers');
    await changeMember(federation, XB, (member) => ({ ...member, name: 'Brethen, renamed' }));
    await publish();
    expect(await peers()).toMatchObject([{ level: 'warn', text: expect.stringContaining('version 2') as string }]);
    await changeMember(federation, XA, (member) => ({ ...member, status: 'SUSPENDED' }));
    await publish();
    const [refused] = await peers();
    expect(refused).toMatchObject({ level: 'warn' });
    expect(refused!.advice).toMatch(/suspended|another manifest/);
  });

  test('something else at the address of a peer', async () => {
    const federation = await copyTestFederation([XA, XB]);
    // XA answers where XB should: a certificate of another jurisdiction.
    const address = loadNodeConfig(nodePaths(federation.dirOf(XB)).config, {}).listen!;
    const { tls, certificates } = readPrivateKeys(nodePaths(federation.dirOf(XA)).keys);
    const key = tls.export({ format: 'pem', type: 'pkcs8' }).toString();
    const impostor = createTlsServer({ key, cert: certificates.tls }).listen(address.port, address.host);
    onTestFinished(() => void impostor.close());
    await once(impostor, 'listening');
    const found = await diagnose(federation.dirOf(XA), undefined, undefined);
    const [peer] = found.filter(({ check }) => check === 'peers');
    expect(peer).toMatchObject({ level: 'warn' });
    expect(peer!.advice).toContain('do not go around it');
  });

  test('an old copy of the store', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const dir = federation.dirOf(XA);
    const old = join(federation.folder, 'old');
    mkdirSync(old);
    cpSync(join(dir, 'store'), join(old, 'store'), { recursive: true });
    await (await startNode(federation, XA)).stop();
    rmSync(join(dir, 'store'), { recursive: true });
    cpSync(join(old, 'store'), join(dir, 'store'), { recursive: true });
    const { toDo, diagnoses } = await doctor(dir);
    expect(toDo[0]).toBe('ledger');
    expect(diagnoses.find(({ check }) => check === 'ledger')!.text).toContain('LEDGER_ROLLED_BACK');
  });

  test('a manifest that has expired, and one that suspends this node', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const a = await serveHere(federation, XA);
    const b = await startNode(federation, XB);
    const decree = async (change: (draft: Manifest, nowMs: number) => Manifest): Promise<void> => {
      await amendDraft(federation.council, change);
      expect((await a.exchange.takeManifest(await signDraft(federation.council))).ok).toBe(true);
      a.transport.manifestChanged();
    };
    await decree((draft, nowMs) => ({ ...draft, expires_at: nowMs + 5 * DAY }));
    await until(() => b.exchange.manifest.version === 2 && a.transport.connections()[0]!.connected);
    // It was made for five days, and they have just begun.
    expect((await doctor(federation.dirOf(XA))).toDo).toEqual([]);
    await decree((draft, nowMs) => ({ ...draft, expires_at: nowMs + 1 }));
    await until(() => b.exchange.manifest.version === 3 && a.transport.connections()[0]!.connected);
    expect((await doctor(federation.dirOf(XA))).toDo).toEqual(['expiry']);
    const suspended = (draft: Manifest): Manifest => ({
      ...draft,
      members: draft.members.map((member) => (member.code === XA ? { ...member, status: 'SUSPENDED' } : member)),
    });
    await decree(suspended);
    expect((await doctor(federation.dirOf(XA))).toDo).toContain('manifest');
  });

  test('T23: a clock that disagrees with every peer’s, and one that is behind its own ledger', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const manifest = readFileSync(nodePaths(federation.dirOf(XA)).manifest, 'utf8');
    const a = await startNode(federation, XA);
    const running = (offset: number) => ({
      manifest,
      checkpoint: a.storage.ledger.checkpoint.note,
      port: a.transport.port,
      peers: [{ code: XB, connected: true, clock_offset_ms: offset }],
    });
    const clockOf = async (offset: number): Promise<string> =>
      (await diagnose(federation.dirOf(XA), undefined, running(offset))).find(({ check }) => check === 'clock')!.level;
    expect(await Promise.all([0, 29_000, -31_000, 400_000, -DAY].map(clockOf))).toEqual([
      'ok',
      'ok',
      'warn',
      'fail',
      'fail',
    ]);
    await a.stop();
    const yesterday = { nowMs: () => Date.now() - DAY };
    const found = await diagnose(federation.dirOf(XA), undefined, undefined, yesterday);
    expect(found.find(({ check }) => check === 'clock')).toMatchObject({ level: 'fail' });
  });
});

describe('endings', () => {
  const NOW = 1_767_225_600_000;
  const { entry } = generateCouncilKey(NOW);
  const lasting = (days: number): Manifest => ({
    ...draftManifest({ threshold: 1, keys: [entry] }, NOW - 300 * DAY),
    expires_at: NOW + days * DAY,
  });

  test.each<[number, number | undefined]>([
    [61, undefined],
    [60, 60],
    [31, 60],
    [30, 30],
    [7, 7],
    [1, 1],
    [0.5, 1],
    [0, 0],
    [-3, 0],
  ])('%d days before its end a manifest is warned of at %d', (days, warning) => {
    expect(endingsOf(lasting(days), [], NOW)[0]!.warning).toBe(warning);
  });

  test('of what is made for a short time, only its last quarter; of several keys, only the last that goes on', async () => {
    const short = { ...lasting(6), issued_at: NOW - DAY };
    expect(endingsOf(short, [], NOW)[0]!.warning).toBeUndefined();
    expect(endingsOf({ ...short, issued_at: NOW - 20 * DAY }, [], NOW)[0]!.warning).toBe(7);
    const federation = await copyTestFederation([XA, XB]);
    const verified = verifyManifest(federation.manifest, { selfSigned: true });
    if (!verified.ok) throw new Error(verified.detail);
    const [member] = verified.value.manifest.members;
    const [key] = member!.sign;
    const end = key!.not_after;
    const soon = { ...key!, not_after: end - 700 * DAY };
    const endings = (sign: readonly (typeof soon)[]): unknown =>
      endingsOf({ ...verified.value.manifest, members: [{ ...member!, sign }] }, [], end - 705 * DAY).find(
        ({ what }) => what === 'sign key',
      )!.warning;
    expect(endings([soon, key!])).toBeUndefined();
    expect(endings([soon])).toBe(7);
    expect(endings([soon, { ...key!, revoked_at: 1 }])).toBe(7);
    // One that begins when the one before is over leaves a gap; and one that is over already does not help.
    const later = (daysAfter: number): typeof soon => ({ ...key!, not_before: soon.not_after + daysAfter * DAY });
    expect(endings([soon, later(0)])).toBeUndefined();
    expect(endings([soon, later(1)])).toBe(7);
    expect(endings([{ ...soon, not_after: end - 706 * DAY }, later(1)])).toBe(0);
    expect(endings([later(1), soon, { ...soon, not_after: soon.not_after + 2 * DAY }])).toBeUndefined();
  });
});
