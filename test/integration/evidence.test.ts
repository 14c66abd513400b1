/** Evidence between two real nodes over real mutual TLS: announced, fetched, proved, compared, and read back. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { auditBundles } from '../../src/audit/mod.ts';
import type { JurisdictionCode, Uuid } from '../../src/base/mod.ts';
import { nodePaths } from '../../src/config/mod.ts';
import { DEFAULT_CHUNK_BYTES } from '../../src/evidence/geometry.ts';
import type { EvidenceAnswer } from '../../src/exchange/mod.ts';
import { healthOf, type Node } from '../../src/node/mod.ts';
import { parseDraft, type Draft } from '../../src/wire/mod.ts';
import { exportedBundle } from '../kit/bundle.ts';
import { caseUnderExecution, exhibit, noise } from '../kit/evidence.ts';
import { copyTestFederation, startNode, until, type TestFederation } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { S3_KEY, startS3 } from '../kit/s3-server.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const DELAY = {
  reason: { lang: 'en', text: 'A holiday.' },
  clock_estimates: [{ stage: 'EXECUTION', date: '2027-01-01' }],
};
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function* source(...pieces: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* pieces;
}

async function contentOf(node: Node, fileId: string): Promise<Uint8Array> {
  const { content } = await node.exchange.evidence.open(fileId);
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts);
}

const fileAt = async (node: Node, fileId: string): Promise<EvidenceAnswer | undefined> =>
  (await node.exchange.evidence.list()).find(({ file_id: id }) => id === fileId);

const objectOf = (node: Node, root: string): string =>
  join(node.config.paths.evidence, 'objects', root.slice(0, 2), root.slice(2));

/** Two nodes with a case in which XB sends evidence to XA. */
async function twoNodes(): Promise<{ federation: TestFederation; a: Node; b: Node; caseId: Uuid }> {
  const federation = await copyTestFederation([XA, XB]);
  const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
  return { federation, a, b, caseId: await caseUnderExecution(a, b) };
}

async function addExhibit(node: Node, caseId: Uuid, id: string, ...contents: readonly Uint8Array[]): Promise<string[]> {
  await node.exchange.evidence.putItem(caseId, exhibit(id));
  const files: string[] = [];
  for (const [i, bytes] of contents.entries()) {
    const label = { case_id: caseId, name: `${id}-${i}.bin`, media_type: 'application/octet-stream' };
    files.push((await node.exchange.evidence.add(source(bytes), label)).file_id);
  }
  await node.exchange.evidence.addToItem(caseId, id, files);
  return files;
}

async function announce(node: Node, caseId: Uuid, to: JurisdictionCode, ...items: readonly string[]): Promise<Uuid> {
  const draft = {
    case_id: caseId,
    evidence_transfer: {
      items: items.map((id) => ({ item_id: id })),
      measure_ids: ['m1'],
      more_to_follow: true,
    },
  };
  const { message_id: id } = await node.exchange.send(node.exchange.evidence.drafting(draft, to), to);
  return id;
}

const isCompared = async (node: Node, ids: readonly string[]): Promise<boolean> => {
  const files = await Promise.all(ids.map((id) => fileAt(node, id)));
  return files.every((file) => file?.verified_at !== undefined);
};

describe('evidence', () => {
  test('arrives whole, is proved to its sender, compared, and comes out as it went in; audits are clean', async () => {
    const { a, b, caseId } = await twoNodes();
    const contents = [noise(1, 1), noise(262_144, 2), noise(3_000_001, 3)];
    const files = await addExhibit(b, caseId, 'e1', ...contents);
    await announce(b, caseId, XA, 'e1');
    await until(() => isCompared(a, files));
    for (const [i, id] of files.entries()) {
      expect(await fileAt(a, id)).toMatchObject({
        status: 'STORED',
        direction: 'IN',
        peer: XB,
        sha256: sha256(contents[i]!),
      });
      expect(Buffer.compare(await contentOf(a, id), contents[i]!)).toBe(0);
      await until(async () => (await fileAt(b, id))?.offers[0]?.status === 'COMPLETE');
      expect((await fileAt(b, id))?.offers).toMatchObject([{ peer: XA, status: 'COMPLETE' }]);
    }
    const [item] = await a.exchange.evidence.items(caseId);
    const custody = item!.item['custody'] as { event: { kind: string; number: number }; jurisdiction: string }[];
    expect(custody.map(({ event, jurisdiction }) => `${event.number} ${event.kind} ${jurisdiction}`)).toEqual([
      '1 STORE XB',
      '2 STORE XB',
      '3 STORE XB',
      '4 TRANSFER XB',
      '5 RECEIVE XA',
    ]);
    expect(item!.faults).toEqual([]);
    const report = await auditBundles(
      await Promise.all(
        [a, b].map(async (node) => ({
          name: node.config.code,
          bytes: await exportedBundle(node),
        })),
      ),
    );
    expect(report.findings).toEqual([]);
    expect(report.ledgers.map(({ kinds }) => kinds['EVIDENCE_COMPLETE'])).toEqual([3, 3]);
    // Nothing is left of the way.
    expect(readdirSync(join(a.config.paths.evidence, 'spool'))).toEqual([]);
    expect(JSON.stringify(await a.exchange.evidence.list())).not.toContain('"key"');
  }, 60_000);

  test('goes on where it stopped when either side restarts in the middle', async () => {
    const { federation, a: firstA, b: firstB, caseId } = await twoNodes();
    let [a, b] = [firstA, firstB];
    const content = noise(24_000_000, 4);
    const [id] = await addExhibit(b, caseId, 'e1', content);
    await announce(b, caseId, XA, 'e1');
    const spooled = (): number => {
      try {
        return readFileSync(join(a.config.paths.evidence, 'spool', id!, 'leaves')).length / 32;
      } catch {
        return 0;
      }
    };
    await until(() => spooled() > 3);
    await a.stop();
    const before = spooled();
    await b.stop();
    a = await startNode(federation, XA);
    // Alone, it tells how much of it is here.
    const held = { bytes: Math.min(content.length, before * DEFAULT_CHUNK_BYTES), bytes_per_second: 0 };
    expect((await fileAt(a, id!))?.progress).toEqual(before === 0 ? undefined : held);
    b = await startNode(federation, XB);
    await until(() => spooled() > before || before === 0);
    await b.stop();
    b = await startNode(federation, XB);
    await until(() => isCompared(a, [id!]));
    expect(sha256(await contentOf(a, id!))).toBe(sha256(content));
    await until(async () => (await fileAt(b, id!))?.offers[0]?.status === 'COMPLETE');
    const { entries } = await kindsOf(a);
    expect(entries['EVIDENCE_COMPLETE']).toBe(1);
  }, 60_000);

  test('messages overtake files, and several files share the line', async () => {
    const { a, b, caseId } = await twoNodes();
    const files = await addExhibit(b, caseId, 'e1', noise(40_000_000, 5), noise(100_000, 6));
    await announce(b, caseId, XA, 'e1');
    await until(async () => (await fileAt(a, files[0]!)) !== undefined);
    const sent = await b.exchange.send(
      parseDraft({
        case_id: caseId,
        delay_notice: {
          reason: { lang: 'en', text: 'A holiday.' },
          clock_estimates: [{ stage: 'EXECUTION', date: '2027-01-01' }],
        },
      }),
      XA,
    );
    await b.exchange.answerOf(sent.message_id, 60_000);
    // The small file and the message are there while the large one is still on its way.
    await until(() => isCompared(a, [files[1]!]));
    await until(() => isCompared(a, files));
  }, 60_000);

  test('is refused by size, type and quota before a byte of it moves, and the sender learns why', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const path = join(federation.dirOf(XA), 'node.json');
    const config = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(
      path,
      JSON.stringify({
        ...config,
        limits: { max_evidence_bytes: 200_000 },
        evidence: { media_types: ['application/*'], quota_bytes: 250_000 },
      }),
    );
    const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
    const caseId = await caseUnderExecution(a, b);
    const files = await addExhibit(b, caseId, 'e1', noise(200_001, 1), noise(150_000, 2), noise(150_001, 3));
    const label = { case_id: caseId, name: 'a.png', media_type: 'image/png' };
    const image = await b.exchange.evidence.add(source(noise(10)), label);
    await b.exchange.evidence.addToItem(caseId, 'e1', [image.file_id]);
    await announce(b, caseId, XA, 'e1');
    const statuses = async (): Promise<unknown[]> =>
      Promise.all(
        [...files, image.file_id].map(
          async (id) => (await fileAt(b, id))!.offers[0]!.reason ?? (await fileAt(b, id))!.offers[0]!.status,
        ),
      );
    await until(async () => !(await statuses()).includes('OFFERED'));
    expect(await statuses()).toEqual(['TOO_LARGE', 'COMPLETE', 'QUOTA_EXCEEDED', 'TYPE_NOT_ACCEPTED']);
    expect(await fileAt(a, files[0]!)).toMatchObject({ status: 'REFUSED', reason: 'TOO_LARGE' });
    await expect(a.exchange.evidence.open(files[0]!)).rejects.toMatchObject({ code: 'EVIDENCE_UNKNOWN' });
  }, 60_000);

  test('a file of which the sender’s disk lies is never delivered', async () => {
    const { a, b, caseId } = await twoNodes();
    const [id] = await addExhibit(b, caseId, 'e1', noise(600_000, 7));
    const root = (await fileAt(b, id!))!.root;
    const path = objectOf(b, root);
    const bytes = readFileSync(path);
    bytes[300_000]! ^= 1;
    writeFileSync(path, bytes);
    await announce(b, caseId, XA, 'e1');
    await until(async () => (await fileAt(a, id!))?.status === 'FAILED');
    expect(await fileAt(a, id!)).toMatchObject({ reason: 'CORRUPT' });
    expect(await a.exchange.incidents()).toMatchObject([{ kind: 'EVIDENCE_MISMATCH', peer: XB }]);
    await until(async () => (await fileAt(b, id!))?.offers[0]?.status === 'REFUSED');
    await expect(b.exchange.evidence.verify(id!)).rejects.toMatchObject({ code: 'EVIDENCE_CORRUPT' });
    // Mended and announced again: the retransmission is part of the chain of custody.
    bytes[300_000]! ^= 1;
    writeFileSync(path, bytes);
    await announce(b, caseId, XA, 'e1');
    await until(() => isCompared(a, [id!]));
    const [item] = await a.exchange.evidence.items(caseId);
    const custody = item!.item['custody'] as { event: { kind: string } }[];
    expect(custody.map(({ event }) => event.kind)).toEqual(['STORE', 'TRANSFER', 'TRANSFER', 'RECEIVE']);
  }, 60_000);

  test('a file that cannot be read just now is not given up', async () => {
    const { federation, a, b, caseId } = await twoNodes();
    const content = noise(300_000, 9);
    const [id] = await addExhibit(b, caseId, 'e1', content);
    const path = objectOf(b, (await fileAt(b, id!))!.root);
    // A folder in its place is opened as it is, and refuses to be read.
    renameSync(path, `${path}.aside`);
    mkdirSync(path);
    await announce(b, caseId, XA, 'e1');
    await until(async () => (await fileAt(b, id!))?.offers[0]?.progress?.postponed === 'EVIDENCE_STORE_FAILED');
    rmdirSync(path);
    renameSync(`${path}.aside`, path);
    // Asked for again at once, and not when the sender would try by itself.
    await b.stop();
    await startNode(federation, XB);
    await until(() => isCompared(a, [id!]));
    expect(sha256(await contentOf(a, id!))).toBe(sha256(content));
  }, 90_000);

  test('a file that is gone before it was compared ends no node, is told, and is compared when it is back', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const aside = join(temporaryFolder(), 'objects');
    const failures: unknown[] = [];
    const told: unknown[] = [];
    const observed = {
      onFatal: (error: unknown) => failures.push(error),
      log: (_level: string, event: string, fields?: object) => {
        if (event === 'exchange.evidence_postponed') told.push(fields);
      },
    };
    let a = await startNode(federation, XA, {
      ...observed,
      failpoint: (name) => {
        if (name === 'evidence.taken-over') renameSync(join(a.config.paths.evidence, 'objects'), aside);
      },
    });
    const b = await startNode(federation, XB);
    const caseId = await caseUnderExecution(a, b);
    const content = noise(300_000, 10);
    const [id] = await addExhibit(b, caseId, 'e1', content);
    await announce(b, caseId, XA, 'e1');
    const missing = { peer: XB, file_id: id, code: 'EVIDENCE_UNKNOWN' };
    await until(() => told.length > 0 || failures.length > 0);
    await a.stop();
    a = await startNode(federation, XA, observed);
    await until(() => told.length > 1 || failures.length > 0);
    expect([failures, told]).toEqual([[], [missing, missing]]);
    await expect(a.exchange.evidence.verify(id!)).rejects.toMatchObject({ code: 'EVIDENCE_UNKNOWN' });
    await expect(contentOf(a, id!)).rejects.toMatchObject({ code: 'EVIDENCE_UNKNOWN' });
    renameSync(aside, join(a.config.paths.evidence, 'objects'));
    expect(sha256(await contentOf(a, id!))).toBe(sha256(content));
    expect(await isCompared(a, [id!])).toBe(true);
  }, 90_000);

  test('a folder for files that cannot be written ends no node: messages go on, files wait, and people are told', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const { evidence } = nodePaths(federation.dirOf(XA));
    // As if the disk that is mounted there were away, or read-only: nothing can be made in it.
    writeFileSync(evidence, '');
    const failures: unknown[] = [];
    const a = await startNode(federation, XA, { onFatal: (error) => failures.push(error) });
    const b = await startNode(federation, XB);
    const caseId = await caseUnderExecution(a, b);
    const content = noise(300_000, 11);
    const [id] = await addExhibit(b, caseId, 'e1', content);
    await announce(b, caseId, XA, 'e1');
    const isPostponed = async (): Promise<boolean> =>
      (await fileAt(a, id!))?.progress?.postponed === 'EVIDENCE_STORE_FAILED';
    await until(async () => failures.length > 0 || (await isPostponed()));
    expect(failures).toEqual([]);
    await b.exchange.send(parseDraft({ case_id: caseId, delay_notice: DELAY }), XA);
    const away = async (): Promise<unknown[]> =>
      (await healthOf(a)).findings.filter(({ code }) => code === 'EVIDENCE_STORE_AWAY');
    expect(await away()).toMatchObject([{ severity: 'WARNING', detail: expect.stringContaining(evidence) as string }]);
    const label = { case_id: caseId, name: 'x.bin', media_type: 'text/plain' };
    await expect(a.exchange.evidence.add(source(content), label)).rejects.toMatchObject({
      code: 'EVIDENCE_STORE_FAILED',
    });
    rmSync(evidence);
    expect(await away()).toEqual([]);
    await b.stop();
    await startNode(federation, XB);
    await until(() => isCompared(a, [id!]));
  }, 90_000);

  test('content that is not here cannot be announced, and what is deleted is gone but provable', async () => {
    const { a, b, caseId } = await twoNodes();
    const [id] = await addExhibit(b, caseId, 'e1', noise(5000, 8));
    const transfer = { items: [{ item_id: 'e1' }], measure_ids: ['m1'] };
    const draft = await b.exchange.evidence.preview({ case_id: caseId, evidence_transfer: transfer }, XA);
    const { value } = draft.body as Extract<Draft['body'], { type: 'evidence_transfer' }>;
    const forged = { ...value, files: value.files.map((file) => ({ ...file, size: 4999 })) };
    const body: Draft['body'] = { type: 'evidence_transfer', value: forged };
    await expect(b.exchange.send({ ...draft, body }, XA)).rejects.toMatchObject({ code: 'EXCHANGE_EVIDENCE_UNKNOWN' });
    await announce(b, caseId, XA, 'e1');
    await until(() => isCompared(a, [id!]));
    await a.exchange.evidence.delete(id!, 'RETENTION_ENDED');
    expect(await fileAt(a, id!)).toMatchObject({ status: 'DELETED' });
    await expect(a.exchange.evidence.open(id!)).rejects.toMatchObject({ code: 'EVIDENCE_UNKNOWN' });
    expect((await kindsOf(a)).entries['EVIDENCE_DELETED']).toBe(1);
    expect(
      readdirSync(join(a.config.paths.evidence, 'objects'), { recursive: true }).filter(
        (name) => String(name).length > 4,
      ),
    ).toEqual([]);
  }, 60_000);
});

describe('evidence in a store that speaks S3', () => {
  test('is received into it, goes out of it, and waits while it is away', async () => {
    const server = await startS3();
    const federation = await copyTestFederation([XA, XB]);
    for (const code of [XA, XB]) {
      const { endpoint } = server.place;
      const path = join(federation.dirOf(code), 'node.json');
      const config = JSON.parse(readFileSync(path, 'utf8')) as object;
      writeFileSync(path, JSON.stringify({ ...config, evidence: { s3: { endpoint, bucket: 'evidence' } } }));
    }
    const options = { objectStoreKey: S3_KEY };
    const [a, b] = [await startNode(federation, XA, options), await startNode(federation, XB, options)];
    const caseId = await caseUnderExecution(a, b);
    const content = noise(1_000_000, 9);
    const [id] = await addExhibit(b, caseId, 'e1', content);
    const away = async (): Promise<unknown> =>
      (await healthOf(a)).findings.filter(({ code }) => code === 'EVIDENCE_STORE_AWAY');
    expect(await away()).toEqual([]);
    await server.stop();
    const detail = expect.stringContaining('ECONNREFUSED') as string;
    expect(await away()).toEqual([{ code: 'EVIDENCE_STORE_AWAY', severity: 'WARNING', detail }]);
    await announce(b, caseId, XA, 'e1');
    await until(async () => (await fileAt(a, id!))?.progress?.postponed === 'EVIDENCE_STORE_FAILED', 120_000);
    // Messages go on meanwhile, and neither node has failed.
    await b.exchange.send(parseDraft({ case_id: caseId, delay_notice: DELAY }), XA);
    await b.stop();
    await a.stop();
    await startS3(server);
    const [again] = [await startNode(federation, XA, options), await startNode(federation, XB, options)];
    await until(() => isCompared(again, [id!]), 120_000);
    expect(Buffer.compare(await contentOf(again, id!), content)).toBe(0);
    expect(existsSync(join(again.config.paths.evidence, 'objects'))).toBe(false);
    expect(readdirSync(join(again.config.paths.evidence, 'spool'))).toEqual([]);
  }, 300_000);
});

async function kindsOf(node: Node): Promise<{ entries: Readonly<Record<string, number>> }> {
  const bytes = await exportedBundle(node);
  const report = await auditBundles([{ name: node.config.code, bytes }]);
  return { entries: report.ledgers[0]!.kinds };
}
