/**
 * A long ledger through the command line: exported and verified in memory that does not grow with it. A million entries with SLOW=1;
 * `npm test` goes the same way with a few thousand.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newUuid, type JurisdictionCode } from '../../src/base/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import { exchangeKeys } from '../../src/exchange/mod.ts';
import {
  KEY_TYPES,
  MerkleTiles,
  encodeInclusionProofText,
  leafHash,
  signCheckpoint,
  verifierKey,
} from '../../src/ledger/mod.ts';
import { openNodeStorage } from '../../src/node/mod.ts';
import { readKeyring } from '../../src/node/keyring.ts';
import { encodeLedgerEntry, encodeReceipt, type LedgerEntry } from '../../src/wire/mod.ts';
import { copyTestFederation, startNode, type TestFederation } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const deep = process.env['SLOW'] === '1';
const ENTRIES = Number(process.env['ROGATORY_ENTRIES'] ?? (deep ? 1_000_000 : 3_000));
const BATCH = 250;
// What Node itself takes, and room for its garbage: a ledger held whole would be a gigabyte and more.
const MAX_MIB = 400;

/** Fills XA's ledger with messages from XB, each with XB's proof: what a busy node has after years. */
async function fill(federation: TestFederation, count: number): Promise<void> {
  await (await startNode(federation, XA)).stop();
  const storage = await openNodeStorage(loadNodeConfig(nodePaths(federation.dirOf(XA)).config, {}), undefined);
  const peer = loadNodeConfig(nodePaths(federation.dirOf(XB)).config, {});
  const [ledgerKey] = (await readKeyring(peer, undefined)).keys.ledger;
  const key = verifierKey(peer.ledgerOrigin, KEY_TYPES.ed25519, ledgerKey!.publicKey);
  const full = new Map<string, Uint8Array>();
  const tree = new MerkleTiles((level, index) => Promise.resolve(full.get(`${level}/${index}`)!));
  const now = Date.now();
  for (let seq = 1; seq <= count; seq += BATCH) {
    const sent = Array.from({ length: Math.min(BATCH, count - seq + 1) }, (_, i): LedgerEntry => ({
      version: 1,
      kind: 'SENT',
      time: now,
      peer: XA,
      message_id: newUuid(now, randomBytes(10)),
      seq: seq + i,
      sealed_digest: randomBytes(32),
      signed_digest: randomBytes(32),
    }));
    const raw = sent.map(encodeLedgerEntry);
    for (const tile of tree.append(raw.map(leafHash))) full.set(`${tile.level}/${tile.index}`, tile.bytes);
    const head = { size: tree.size, root: await tree.rootAt() };
    const { note } = signCheckpoint(head, key, (message) => ledgerKey!.sign(message));
    const received: Uint8Array[] = [];
    const puts: [string, Uint8Array][] = [];
    for (const [i, entry] of sent.entries()) {
      const value = { leaf_hash: leafHash(raw[i]!), checkpoint: note };
      received.push(encodeLedgerEntry({ ...entry, kind: 'RECEIVED', peer: XB, detail: { type: 'peer_entry', value } }));
      const proof = encodeInclusionProofText(seq - 1 + i, await tree.inclusionPath(seq - 1 + i), note);
      puts.push([exchangeKeys.peerProof(storage.ledger.size + i), encodeReceipt({ entry: raw[i]!, proof })]);
    }
    await storage.ledger.append(received, { puts, deletes: [] });
  }
  await storage.close();
}

interface Measured {
  /** The most anonymous memory that the command ever had, in MiB. Pages of mapped files are the system's, and are not counted. */
  readonly mib: number;
  /** The processor's time, as long as it was seen, in seconds. */
  readonly seconds: number;
  readonly stdout: string;
  readonly status: number | null;
}

const TICKS_PER_SECOND = 100;

async function measured(...args: readonly string[]): Promise<Measured> {
  const env = { ...process.env, ROGATORY_BUILT: '1' };
  const child = spawn(process.execPath, ['scripts/rogatory', ...args], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  let [stdout, most, ticks] = ['', 0, 0];
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString('utf8')));
  const poll = setInterval(() => {
    try {
      const kib = /RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
      most = Math.max(most, Number(kib ?? 0) / 1024);
      // utime and stime, the 14th and 15th of proc(5)'s stat; the name before them may hold anything up to the last bracket.
      const times = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
      ticks = Number(times[11]) + Number(times[12]);
    } catch {
      // It has ended.
    }
  }, 20);
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearInterval(poll);
  return { mib: Math.round(most), seconds: Math.round(ticks / TICKS_PER_SECOND), stdout, status };
}

test('a long ledger is exported and verified in constant memory', async () => {
  const federation = await copyTestFederation([XA, XB]);
  await fill(federation, ENTRIES);
  const zip = join(temporaryFolder(), 'long.zip');
  const exported = await measured('audit', 'export', '--node', federation.dirOf(XA), '-o', zip, '--json');
  expect(exported.status).toBe(0);
  const verified = await measured('audit', 'verify', zip, '--json');
  const report = JSON.parse(verified.stdout) as { ok: boolean; ledgers: { size: number; proofs: number }[] };
  expect([verified.status, report.ok]).toEqual([0, true]);
  expect(report.ledgers[0]).toMatchObject({ size: ENTRIES + 1, proofs: ENTRIES });
  const size = Math.round(statSync(zip).size / 1024 / 1024);
  if (deep || process.env['ROGATORY_ENTRIES'] !== undefined)
    process.stderr.write(
      `${ENTRIES} entries: bundle ${size} MiB; export ${exported.mib} MiB and ${exported.seconds} s of CPU; verify ${verified.mib} MiB and ${verified.seconds} s of CPU\n`,
    );
  if (exported.mib > 0) expect(Math.max(exported.mib, verified.mib)).toBeLessThan(MAX_MIB);
}, 3_600_000);
