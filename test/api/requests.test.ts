/** The local interface as its documentation has it, spoken to by what anybody has: sockets, curl, and a signature. */
import { execFile, spawnSync } from 'node:child_process';
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ApiServer } from '../../src/api/mod.ts';
import { ROUTES } from '../../src/api/gate.ts';
import { ApiClient } from '../../src/client/mod.ts';
import { staffKeys } from '../../src/staff/record.ts';
import { runCommand } from '../kit/command.ts';
import { newUuid } from '../../src/base/mod.ts';
import type { ExchangeEvent } from '../../src/exchange/mod.ts';
import { XB } from '../kit/casework.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';

const README = readFileSync('src/api/README.md', 'utf8');

interface Answer {
  readonly status: number | undefined;
  readonly body: { readonly error?: { readonly code: string; readonly message: string } };
}

/** Asks as a program without any of this code would. */
function ask(socketPath: string, line: string, body?: string, headers = {}): Promise<Answer> {
  const [method, path] = line.split(' ');
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => {
        resolve({ status: response.statusCode, body: JSON.parse(text) as Answer['body'] });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function shell(line: string): Promise<{ readonly status: number; readonly body: unknown }> {
  return new Promise((resolve) => {
    execFile('sh', ['-c', `${line} --silent`], (error, stdout) => {
      resolve({ status: error === null ? 0 : 1, body: stdout === '' ? {} : JSON.parse(stdout) });
    });
  });
}

/** A node that is served here. */
async function servedNode(): Promise<{ readonly dir: string; readonly socket: string }> {
  const federation = await copyTestFederation(['XA', 'XB']);
  const api = await ApiServer.open(await startNode(federation, 'XA'));
  onTestFinished(() => api.close());
  const dir = federation.dirOf('XA');
  return { dir, socket: join(dir, 'control.sock') };
}

test('every route has a row, and every row is a route', () => {
  const rows = [...README.matchAll(/^\| `((?:GET|POST) [a-z*/-]+)` \|/gm)].map(([, name]) => name);
  expect(rows.toSorted()).toEqual([...ROUTES].sort());
});

test('whoever listens to events without reading them is cut off', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const node = await startNode(federation, 'XA');
  const api = await ApiServer.open(node);
  onTestFinished(() => api.close());
  let tell: ((event: ExchangeEvent) => void) | undefined;
  let ended = 0;
  const spy = vi.spyOn(node.exchange, 'subscribe').mockImplementation((listener) => {
    tell = listener;
    return () => (ended += 1);
  });
  onTestFinished(() => {
    spy.mockRestore();
  });
  const socket = connect(join(federation.dirOf('XA'), 'control.sock'));
  onTestFinished(() => void socket.destroy());
  socket.pause().write('GET /v1/events HTTP/1.1\r\nhost: node\r\n\r\n');
  await until(() => tell !== undefined);
  const event: ExchangeEvent = { kind: 'CLOCK_OVERDUE', time: 0, peer: XB, started_by: newUuid(1, new Uint8Array(10)) };
  const bytes = JSON.stringify(event).length;
  // Some megabytes may rest in the system's own buffers; what is more is the node's.
  for (let told = 0; told < 16 * 1024 * 1024 && ended === 0; told += bytes) {
    tell!(event);
    if (told % (bytes * 4096) === 0) await new Promise(setImmediate);
  }
  expect(ended).toBe(1);
}, 60_000);

test('the lines of the documentation do what it says, and what is wrong is told as what it is', async () => {
  const { dir, socket } = await servedNode();
  const lines = [...README.matchAll(/^curl .*$/gm)].map(([line]) => line);
  expect(lines.length).toBeGreaterThan(4);
  if (spawnSync('curl', ['--version']).status === 0)
    for (const line of lines) {
      // The node is in this process: it could not answer while this waits for the shell.
      const { status, body } = await shell(line.replaceAll('D/control.sock', `'${socket}'`));
      expect({ line, status, code: (body as Answer['body']).error?.code }).toEqual({
        line,
        status: 0,
        code: line.includes('"draft":{}') ? 'WIRE_FIELDS_INVALID' : undefined,
      });
    }
  else process.stderr.write('skipped: the documentation’s lines need curl\n');

  for (const [line, code, words] of [
    ['GET /v1/cases/%ff', 'API_BAD_REQUEST', 'percent-encoded'],
    ['GET /v1/cases/zz', 'API_BAD_REQUEST', 'UUID'],
    ['GET /v1/messages?limit=abc', 'API_BAD_REQUEST', 'whole number'],
    ['GET /v1/messages?limit=-1', 'API_BAD_REQUEST', 'whole number'],
    ['GET /v1/messages?status=FOO', 'API_BAD_REQUEST', 'QUEUED'],
    ['GET /v1/proofs/abc', 'API_BAD_REQUEST', 'whole number'],
    ['GET /v1/consistency/-1', 'API_BAD_REQUEST', 'whole number'],
    ['GET /v1/proofs/99999', 'LEDGER_INDEX_OUT_OF_RANGE', '99999'],
    ['GET /v2/status', 'API_BAD_REQUEST', 'There is no GET /v2/status'],
    ['DELETE /v1/status', 'API_BAD_REQUEST', 'There is no DELETE'],
    ['GET //', 'API_BAD_REQUEST', 'There is no GET //'],
    ['GET //[/v1/status', 'API_BAD_REQUEST', 'There is no GET //['],
  ] as const) {
    const { status, body } = await ask(socket, line);
    expect({ line, status, code: body.error?.code }).toEqual({ line, status: 422, code });
    expect(body.error!.message).toContain(words);
  }
  // The council lists no key that begins at a part of a millisecond: it is refused before a key is made.
  const held = await ask(socket, 'GET /v1/keys');
  const next = { use: 'sign', startsInMs: 0.5, overlapMs: 1000 };
  const refused = await ask(socket, 'POST /v1/keys', JSON.stringify(next));
  expect(refused).toMatchObject({ status: 422, body: { error: { code: 'API_BAD_REQUEST' } } });
  expect(await ask(socket, 'GET /v1/keys')).toEqual(held);
  expect(await ask(socket, 'GET /v1/seen/XB')).toEqual({ status: 200, body: {} });
  const never = await runCommand('ledger', 'seen', 'XB', '--node', dir);
  expect(never).toMatchObject({ status: 1, stdout: 'This node has never seen the ledger of XB.\n' });
});

test('a person acts by the proof that the documentation describes', async () => {
  const { dir, socket } = await servedNode();
  const file = join(dir, 'hale.json');
  const added = await runCommand(
    'staff',
    'add',
    'hale',
    '--name',
    'R. Hale',
    '--role',
    'REGISTRAR',
    '--node',
    dir,
    '-o',
    file,
  );
  expect(added.status).toBe(0);
  const { statement, signature, key } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  const privateKey = createPrivateKey({ key: Buffer.from(key!, 'base64'), format: 'der', type: 'pkcs8' });
  const actAs = async (line: string, signed: string, body?: string): Promise<Answer> => {
    const { body: given } = await ask(socket, 'POST /v1/challenge', '{}');
    const { challenge } = given as { readonly challenge: string };
    const digest = body === undefined ? '-' : createHash('sha256').update(body).digest('hex');
    const text = ['rogatory-act/v1', challenge, signed, digest].join('\n');
    const proof = sign(null, Buffer.from(text), privateKey).toString('base64url');
    const shown = Buffer.from(JSON.stringify({ statement, signature, challenge, proof })).toString('base64url');
    return ask(socket, line, body, { authorization: `Rogatory ${shown}` });
  };
  const cases = 'GET /v1/cases';
  expect((await ask(socket, cases)).body.error?.code).toBe('STAFF_CREDENTIAL_REQUIRED');
  expect(await actAs(cases, cases)).toEqual({ status: 200, body: [] });
  const revoke = 'POST /v1/revocations';
  const nobody = JSON.stringify({ person: 'nobody', why: 'left' });
  expect((await actAs(revoke, revoke, nobody)).body.error?.code).toBe('STAFF_UNKNOWN');
  // A signature over another request is not one over this.
  expect((await actAs(cases, 'GET /v1/messages')).body.error?.code).toBe('STAFF_PROOF_INVALID');
});

test('whoever is gone before it is known who they are listens to no events', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const node = await startNode(federation, 'XA');
  const api = await ApiServer.open(node);
  onTestFinished(() => api.close());
  const { store } = node.storage;
  const get = store.get.bind(store);
  let letOn: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (letOn = resolve));
  const asked = new Promise<void>((resolve) => {
    vi.spyOn(store, 'get').mockImplementation(async (key) => {
      if (key !== staffKeys.office) return get(key);
      resolve();
      await held;
      return get(key);
    });
  });
  let answer: ServerResponse | undefined;
  const onStart = (message: unknown): void => {
    answer = (message as { readonly response: ServerResponse }).response;
  };
  subscribe('http.server.request.start', onStart);
  onTestFinished(() => void unsubscribe('http.server.request.start', onStart));
  const listen = vi.spyOn(node.exchange, 'subscribe');
  const socketPath = join(federation.dirOf('XA'), 'control.sock');
  const outgoing = request({ socketPath, path: '/v1/events', agent: false }).on('error', () => undefined);
  outgoing.end();
  await asked;
  outgoing.destroy();
  await until(() => answer?.destroyed === true);
  letOn();
  // One that stays is heard after it.
  const signal = new AbortController();
  onTestFinished(() => {
    signal.abort();
  });
  await new ApiClient(federation.dirOf('XA')).stream('events', () => undefined, signal.signal);
  expect(listen).toHaveBeenCalledTimes(1);
});

test('what is no request, or more than one path or list, is refused in the form of every answer', async () => {
  const { socket } = await servedNode();
  const raw = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let answer = '';
      const caller = connect(socket);
      caller.setEncoding('utf8').on('data', (part: string) => (answer += part));
      caller.on('error', reject).on('close', () => {
        resolve(answer);
      });
      caller.write(text);
    });
  for (const text of ['nothing of HTTP\r\n\r\n', `GET /v1/status HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`]) {
    const [head, body] = (await raw(text)).split('\r\n\r\n');
    expect(head).toContain('422');
    expect(JSON.parse(body!)).toMatchObject({ error: { code: 'API_BAD_REQUEST', faults: [] } });
  }
  const refused = { status: 422, body: { error: { code: 'API_BAD_REQUEST' } } };
  expect(await ask(socket, 'POST /v1/bundle', '[]')).toMatchObject(refused);
  expect(await ask(socket, `GET /v1/messages/${newUuid(Date.now(), new Uint8Array(10))}/why/not`)).toMatchObject(
    refused,
  );
  for (const query of ['clocks?at=', 'statistics?from=2026-99-99', 'statistics?to=2026-02-30'])
    expect(await ask(socket, `GET /v1/${query}`)).toMatchObject(refused);
  expect(await ask(socket, 'GET /v1/statistics?from=2024-02-29')).toMatchObject({ status: 200 });
});
