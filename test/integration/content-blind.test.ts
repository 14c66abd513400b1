/**
 * Nothing but the parties' own eyes sees a case: marks in every field that can hold words, and afterwards no mark in ledgers, bundles, logs,
 * what is published, what went over the line, or the store's files. The search is shown to find: the marks are where they belong.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { SentAnswer } from '../../src/api/mod.ts';
import { contentFaults } from '../../src/casework/mod.ts';
import { draftOf, loadScenario, messageSteps, type Scenario } from '../../src/cli/sandbox/scenario.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import { parseCheckpointNote, tilePath, tilesOfTree } from '../../src/ledger/mod.ts';
import { openNodeStorage } from '../../src/node/mod.ts';
import { openLevelStore } from '../../src/store/mod.ts';
import { messageSchema } from '../../src/wire/schema.ts';
import { parseDraft } from '../../src/wire/mod.ts';
import { MARK, NUMBERS, SOME_ID, filesUnder, findTexts, fullDraft, fullMessage, wordFields } from '../kit/canary.ts';
import { copyTestFederation, freePort, until, type TestFederation } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { rogatory, serveNode } from '../kit/process.ts';
import { Puppet } from '../kit/puppet.ts';
import { recordingProxy } from '../kit/recording-proxy.ts';

const TCPDUMP = '/usr/bin/tcpdump';
const isRequired = process.env['ROGATORY_CAPTURE'] === 'require';
const canCapture = isRequired || (process.getuid?.() === 0 && spawnSync(TCPDUMP, ['--version']).status === 0);
if (!canCapture) process.stderr.write('skipped: a packet capture of the content-blind run needs root and tcpdump\n');

// Sent in the clear at the end, to see that what listens on the line would have heard.
const CONTROL = 'zqkontrollton';

test('T24: no word of a case leaves the sealed messages', async () => {
  const federation = await copyTestFederation(['XA', 'XB', 'XC']);
  const lines = { XA: await tapped(federation, 'XA'), XB: await tapped(federation, 'XB') };
  const ports = Object.values(lines).flatMap(({ outside, inside }) => [outside, inside]);
  const capture = canCapture ? await capturing(ports) : undefined;
  const nodes = { XA: await serveNode(federation, 'XA'), XB: await serveNode(federation, 'XB') };
  await until(async () => (await nodes.XA.api.get<{ code: string; connected: boolean }[]>('peers'))[0]!.connected);

  const played = await playMarked(await loadScenario('bank-records'), nodes);
  await sendEveryBody(federation);
  // What is refused at the door is in no log either.
  await expect(
    nodes.XA.api.post('messages', { to: 'XB', draft: { [MARK]: MARK, assistance_request: { [MARK]: { a: MARK } } } }),
  ).rejects.toThrow();
  const words = [MARK, ...NUMBERS, SOME_ID, ...played.map(({ message }) => message.case_id!)];

  // The marks are in the messages, for those who may read them.
  for (const { message } of played) {
    for (const node of Object.values(nodes)) {
      const shown = await node.api.get(`messages/${message.message_id}`);
      expect(findTexts(Buffer.from(JSON.stringify(shown)), [MARK])).toEqual([MARK]);
    }
  }

  // Served to anyone.
  const served = await fetchLedger(lines.XB.ledger);
  expect(served.length).toBeGreaterThan(2);
  for (const bytes of served) expect(findTexts(bytes, words)).toEqual([]);

  // What an auditor gets, and what is published.
  const folder = temporaryFolder();
  for (const [code, { message }] of [['XA', played[0]!] as const, ['XB', played[1]!] as const]) {
    const bundle = join(folder, `${code}.zip`);
    expect((await rogatory('audit', 'export', '--node', federation.dirOf(code), '-o', bundle)).status).toBe(0);
    expect(findTexts(readFileSync(bundle), words)).toEqual([]);
    // The bundle is about these messages: it names them.
    expect(findTexts(readFileSync(bundle), [message.message_id])).toHaveLength(1);
    const published = filesUnder(nodePaths(federation.dirOf(code)).ledger);
    expect(published.length).toBeGreaterThan(2);
    for (const { path, bytes } of published)
      expect({ path, found: findTexts(bytes, words) }).toEqual({ path, found: [] });
  }

  for (const { child, outcome } of Object.values(nodes)) {
    child.kill('SIGTERM');
    const { status, stderr, stdout } = await outcome;
    expect(status).toBe(0);
    expect(stderr).toContain(played[0]!.message.message_id);
    expect(findTexts(Buffer.from(stderr + stdout), words)).toEqual([]);
  }

  // On the line: everything, then the same again with one mark sent in the clear.
  const recorded = Buffer.concat(Object.values(lines).map(({ proxy }) => proxy.recorded()));
  expect(recorded.length).toBeGreaterThan(30_000);
  expect(findTexts(recorded, words)).toEqual([]);
  await sendInTheClear(lines.XB.outside, CONTROL);
  await until(() => findTexts(lines.XB.proxy.recorded(), [CONTROL]).length === 1);
  if (capture !== undefined) {
    const packets = await capture();
    expect(packets.length).toBeGreaterThan(20_000);
    expect(findTexts(packets, words)).toEqual([]);
    expect(findTexts(packets, [CONTROL])).toEqual([CONTROL]);
  }

  // At rest. The keys of records name cases; their values say nothing, until they are unsealed.
  for (const code of ['XA', 'XB']) {
    const paths = nodePaths(federation.dirOf(code));
    const atRest = filesUnder(paths.dir);
    expect(atRest.length).toBeGreaterThan(10);
    for (const { path, bytes } of atRest)
      expect({ path, found: findTexts(bytes, [MARK, ...NUMBERS]) }).toEqual({ path, found: [] });
    const found = filesUnder(await unsealedCopy(federation, code)).flatMap(({ bytes }) => findTexts(bytes, [MARK]));
    expect(found).toContain(MARK);
  }
}, 240_000);

test('the marks are in every field of every message that can hold words', () => {
  const bodies = [...messageSchema('Message').oneofs.get('body')!];
  const marked = new Set(bodies.flatMap(({ type }) => everyVariant(type!).flatMap((full) => full.marked)));
  expect(bodies.length).toBeGreaterThan(3);
  expect(marked.size).toBeGreaterThan(30);
  for (const { type } of bodies) expect(wordFields(type!).filter((field) => !marked.has(field))).toEqual([]);
});

test('the search finds a text however it is spelled', () => {
  const [before, text] = ['Some bytes', 'Zeugin Kanarie'];
  for (const shift of [0, 1, 2, 3]) {
    const bytes = Buffer.from(`${before.slice(shift)}${text} and more`);
    for (const spelled of ['utf8', 'base64', 'base64url', 'hex'] as const) {
      const hay = spelled === 'utf8' ? bytes : Buffer.from(bytes.toString(spelled));
      expect(findTexts(hay, [text, 'Zeugin Amsel'])).toEqual([text]);
    }
  }
  expect(findTexts(Buffer.from(text, 'utf16le'), [text])).toEqual([text]);
});

function everyVariant(type: string): ReturnType<typeof fullMessage>[] {
  return [0, 1, 2, 3].map((variant) => fullMessage(type, variant));
}

/** Puts a recorder before a node: peers dial the recorder. The node logs all it can and serves its ledger. */
async function tapped(
  federation: TestFederation,
  code: string,
): Promise<{
  readonly outside: number;
  readonly inside: number;
  readonly ledger: number;
  readonly proxy: Awaited<ReturnType<typeof recordingProxy>>;
}> {
  const { config } = nodePaths(federation.dirOf(code));
  const file = JSON.parse(readFileSync(config, 'utf8')) as { readonly listen: { readonly port: number } };
  const outside = file.listen.port;
  const [inside, ledger] = [await freePort(), await freePort()];
  const listen = { host: '127.0.0.1', port: inside };
  const changed = { ...file, listen, ledger_listen: { ...listen, port: ledger }, log_level: 'debug' };
  writeFileSync(config, JSON.stringify(changed));
  return { outside, inside, ledger, proxy: await recordingProxy(outside, inside) };
}

/** Plays a scenario whose every text is a mark. */
async function playMarked(
  scenario: Scenario,
  nodes: Readonly<Record<string, Awaited<ReturnType<typeof serveNode>>>>,
): Promise<SentAnswer[]> {
  const answers = new Map<string, SentAnswer>();
  for (const step of messageSteps(scenario)) {
    const answered = step.in_reply_to === undefined ? undefined : answers.get(step.in_reply_to)!.message;
    const draft = markTexts(draftOf(step, Date.now(), answered) as Record<string, unknown>);
    const answer = await nodes[step.from]!.api.post<SentAnswer>('messages', { to: step.to, draft, wait_ms: 30_000 });
    expect(answer.message.status).toBe('RECEIVED');
    answers.set(step.id, answer);
  }
  return [...answers.values()];
}

/** Puts a mark into every name and text of a draft that stays a good draft with it. */
function markTexts(draft: Record<string, unknown>): Record<string, unknown> {
  const [type] = Object.keys(draft).filter((name) => messageSchema('Message').byName.has(name) && name !== 'header');
  const isGood = (): boolean => {
    try {
      return contentFaults(parseDraft(draft).body).length === 0;
    } catch {
      return false;
    }
  };
  const visit = (typeName: string, members: Record<string, unknown>): void => {
    for (const field of messageSchema(typeName).fields) {
      const value = members[field.name];
      if (field.kind === 'message' && value !== undefined) {
        for (const item of field.repeated ? (value as object[]) : [value]) visit(field.type!, item as never);
      } else if (field.format === 'name' || field.format === 'text') {
        members[field.name] = field.repeated ? [`${MARK} a`] : `${MARK} b`;
        if (!isGood()) members[field.name] = value;
      }
    }
  };
  expect(isGood()).toBe(true);
  visit(messageSchema('Message').byName.get(type!)!.type!, draft[type!] as never);
  expect(JSON.stringify(draft)).toContain(MARK);
  return draft;
}

/** Delivers a message of every kind, each field of it a mark, as a peer does; the node takes or refuses them, in writing. */
async function sendEveryBody(federation: TestFederation): Promise<void> {
  const puppet = await Puppet.of(federation, 'XC');
  const session = await puppet.converse('XB');
  for (const { name, type } of messageSchema('Message').oneofs.get('body')!) {
    for (const { json } of everyVariant(type!).slice(0, 2)) {
      session.send(await puppet.delivery('XB', { body: fullDraft(name, json).body }));
      for (;;) if ((await session.next()).type === 'receipt') break;
    }
  }
  session.close();
}

async function fetchLedger(port: number): Promise<Buffer[]> {
  const fetched: Buffer[] = [];
  const fetchFile = async (path: string): Promise<Buffer> => {
    const request = get({ host: '127.0.0.1', port, path: `/ledger/${path}`, rejectUnauthorized: false });
    const [response] = (await once(request, 'response')) as [AsyncIterable<Buffer> & { statusCode: number }];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    expect(response.statusCode).toBe(200);
    fetched.push(Buffer.concat(chunks));
    return fetched.at(-1)!;
  };
  const { size } = parseCheckpointNote((await fetchFile('checkpoint')).toString('utf8'));
  for (const tile of tilesOfTree(size)) await fetchFile(tilePath(tile));
  return fetched;
}

/** Records the packets of some ports; what is returned ends the recording and gives it. */
async function capturing(ports: readonly number[]): Promise<() => Promise<Buffer>> {
  const file = join(temporaryFolder(), 'packets');
  const filter = ports.map((port) => `port ${port}`).join(' or ');
  const args = ['-i', 'lo', '-U', '-s', '0', '-w', file, '-Z', 'root', filter];
  const child = spawn(TCPDUMP, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  await until(() => said.includes('listening on'));
  return async () => {
    await until(() => findTexts(readFileSync(file), [CONTROL]).length === 1);
    child.kill('SIGTERM');
    await once(child, 'exit');
    return readFileSync(file);
  };
}

async function sendInTheClear(port: number, text: string): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  socket.end(text);
}

/** The node's store with its values as they are without the seal. */
async function unsealedCopy(federation: TestFederation, code: string): Promise<string> {
  const folder = temporaryFolder();
  const { store, close } = await openNodeStorage(
    loadNodeConfig(nodePaths(federation.dirOf(code)).config, {}),
    undefined,
  );
  const plain = await openLevelStore(folder);
  for await (const put of store.scan('')) await plain.commit({ puts: [put] });
  await plain.close();
  await close();
  return folder;
}
