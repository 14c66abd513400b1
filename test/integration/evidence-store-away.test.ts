/** A store of objects that refuses this node’s key, and one that takes every connection and never answers: messages go on, and people are told. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ApiServer, type SentAnswer } from '../../src/api/mod.ts';
import { ApiClient } from '../../src/client/mod.ts';
import { diagnose, type Diagnosis, type Node } from '../../src/node/mod.ts';
import { runCommand } from '../kit/command.ts';
import { noise } from '../kit/evidence.ts';
import { requestFile } from '../kit/drafts.ts';
import { changeConfig, copyTestFederation, startNode } from '../kit/federation.ts';
import { S3_KEY } from '../kit/s3-server.ts';

vi.setConfig({ testTimeout: 240_000 });

const deep = process.env['SLOW'] === '1';
const CASE = '019b0000-0000-7000-8000-000000000009';
const WRONG_SIGNATURE =
  '<?xml version="1.0" encoding="UTF-8"?><Error><Code>SignatureDoesNotMatch</Code>' +
  '<Message>The request signature we calculated does not match the signature you provided.</Message></Error>';

/** As a store answers whose key is another. */
function refusing(): Server {
  return createServer((request, response) => {
    request.resume();
    response.writeHead(403, { 'content-type': 'application/xml' }).end(WRONG_SIGNATURE);
  });
}

/** As a firewall behaves that lets connections through and nothing else. */
function mute(): ReturnType<typeof createTcpServer> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).resume();
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  return server;
}

/** A node whose evidence is to rest in a store, as `serve` runs it. */
async function nodeWith(server: Server | ReturnType<typeof mute>): Promise<{ node: Node; dir: string; where: string }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const federation = await copyTestFederation(['XA', 'XB']);
  changeConfig(federation, 'XA', { evidence: { s3: { endpoint, bucket: 'evidence' } } });
  const node = await startNode(federation, 'XA', { objectStoreKey: S3_KEY });
  const api = await ApiServer.open(node);
  onTestFinished(() => api.close());
  return { node, dir: federation.dirOf('XA'), where: `bucket evidence at ${endpoint}` };
}

const ofEvidence = (diagnoses: readonly Diagnosis[]): Diagnosis[] =>
  diagnoses.filter(({ check }) => check === 'evidence');

/** That people are told what is wrong, running or stopped, and that messages leave meanwhile. */
async function examine({ node, dir, where }: Awaited<ReturnType<typeof nodeWith>>, fault: string): Promise<void> {
  const told = { check: 'evidence', level: 'warn', text: `${where}: ${fault}` };
  const running = await runCommand('doctor', '--node', dir, '--json');
  expect(running.status).toBe(1);
  const { diagnoses } = JSON.parse(running.stdout) as { readonly diagnoses: readonly Diagnosis[] };
  expect(ofEvidence(diagnoses)).toMatchObject([told]);
  const status = await runCommand('status', '--node', dir);
  expect([status.status, status.stdout.includes(`EVIDENCE_STORE_AWAY: ${fault}`)]).toEqual([1, true]);
  const sent = await new ApiClient(dir).post<SentAnswer>('messages', { to: 'XB', draft: requestFile(), wait_ms: 0 });
  expect(sent.message.status).toBe('QUEUED');
  await node.stop();
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('ROGATORY_S3_ACCESS_KEY_ID', S3_KEY.accessKeyId);
  // Without its other half the key is no key, and the doctor says so and goes on.
  expect(ofEvidence(await diagnose(dir, undefined, undefined))).toMatchObject([
    { level: 'warn', text: expect.stringContaining('ROGATORY_S3_SECRET_ACCESS_KEY') as string },
  ]);
  vi.stubEnv('ROGATORY_S3_SECRET_ACCESS_KEY', S3_KEY.secretAccessKey);
  const stopped = await diagnose(dir, undefined, undefined);
  expect(ofEvidence(stopped)).toMatchObject([told]);
  expect(stopped.filter(({ check }) => check === 'ledger')).toMatchObject([{ level: 'ok' }]);
}

/** That a file is refused with one code, whatever the reason, and stays where it is. */
async function addingFails({ dir }: Awaited<ReturnType<typeof nodeWith>>, reason: string): Promise<void> {
  const file = join(dir, 'file.bin');
  writeFileSync(file, noise(100_000, 3));
  const item = ['--item', 'node-config/exhibit.json'];
  const added = await runCommand('evidence', 'add', '--node', dir, '--case', CASE, ...item, file);
  const stderr = expect.stringMatching(new RegExp(`EVIDENCE_STORE_FAILED.*${reason}`)) as string;
  expect(added).toMatchObject({ status: 1, stderr });
  expect(readFileSync(file).length).toBe(100_000);
}

test('a store that refuses the key says so by its own name, and a file is refused with one code', async () => {
  const found = await nodeWith(refusing());
  await addingFails(found, 'status 403');
  await examine(found, 'The store of objects does not do what it is asked: SignatureDoesNotMatch.');
});

test.runIf(deep)('a store that never answers keeps no node from starting, from sending and from stopping', async () => {
  const found = await nodeWith(mute());
  await addingFails(found, 'TimeoutError');
  await examine(found, 'The store of objects does not answer.');
});
