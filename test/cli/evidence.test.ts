/** Every command about evidence as a person types it, against two nodes in processes of their own. */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { Archive, ArchiveWriter, bytesAccess } from '../../src/audit/mod.ts';
import { packDossier } from '../../src/cli/dossier/archive.ts';
import type { Dossier } from '../../src/cli/dossier/data.ts';
import type { DossierVerdict } from '../../src/cli/dossier/verify.ts';
import type { ApiClient } from '../../src/client/mod.ts';
import type { EvidenceAnswer, MessageRecord } from '../../src/exchange/mod.ts';
import { runCommand } from '../kit/command.ts';
import { caseOverApi, exhibit, noise } from '../kit/evidence.ts';
import { copyTestFederation, until, type TestFederation } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { serveNode, type Outcome } from '../kit/process.ts';

interface Listed {
  readonly files: readonly (EvidenceAnswer & { readonly path?: string })[];
}

const ID = '019b0000-0000-7000-8000-0000000000ac';
const [HELD_MS, DONE, REFUSED, USAGE] = [120_000, 0, 1, 2];

/** Runs a command that has to succeed; its result. */
async function succeed<T>(...args: readonly string[]): Promise<T> {
  const outcome = await runCommand(...args, '--json');
  expect({ args, ...outcome }).toMatchObject({ status: DONE });
  return JSON.parse(outcome.stdout) as T;
}

/** A command whose standard input is given. */
function withInput(input: Uint8Array, ...args: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, ['scripts/rogatory', ...args], {
    env: { ...process.env, ROGATORY_BUILT: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString('utf8')));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString('utf8')));
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.on('close', (status) => {
      resolve({ status, stdout, stderr });
    });
  });
}

/** The name that a file had before it was made harmless. */
function nameAt({ files }: Listed, written: string): string {
  return files.find(({ path }) => basename(path!) === written)!.name;
}

const isSettled = async (api: ApiClient, count: number): Promise<boolean> => {
  const { files } = await api.get<Listed>('evidence');
  return files.filter(({ offers }) => offers.some(({ status }) => status === 'COMPLETE')).length === count;
};

/** A dossier of each side, taken by the other side's expert, and changed by somebody who does not hold the keys. */
async function dossiers(federation: TestFederation, caseId: string, folder: string): Promise<void> {
  const make = async (code: string, name: string, ...others: readonly string[]): Promise<string> => {
    const path = join(folder, name);
    const at = ['--node', federation.dirOf(code), '--case', caseId];
    await succeed('evidence', 'dossier', ...at, '-o', path, '--html', `${path}.html`, ...others);
    return path;
  };
  const own = join(folder, 'xa.zip');
  await succeed('audit', 'export', '--node', federation.dirOf('XA'), '-o', own);
  const ofB = join(folder, 'b.zip');
  // The same bytes for the same head; peers that cosign each other's heads may move them between two dossiers.
  await until(async () => {
    const [one, two] = [await make('XB', 'b.zip', own), await make('XB', 'b-again.zip', own)];
    return Buffer.compare(readFileSync(one), readFileSync(two)) === 0;
  }, HELD_MS);
  const ofA = await make('XA', 'a.zip');
  for (const path of [ofA, ofB]) {
    const report = await succeed<{ dossiers: DossierVerdict[] }>('audit', 'verify', path);
    expect(report.dossiers).toMatchObject([{ ok: true, exhibits: 1, files: 4, proved_files: 4, faults: [] }]);
  }
  // The page by itself names everything, asks for nothing from elsewhere, and runs nothing.
  const page = readFileSync(`${ofA}.html`, 'utf8');
  for (const text of [
    'S-77',
    'statement.pdf',
    'Insp. Ida Example',
    'evidence_transfer',
    'TRANSFER',
    'RECEIVE',
    'c2sp.org/tlog-proof@v1',
  ])
    expect(page).toContain(text);
  expect(page).not.toMatch(/<script|<img|<link|https?:\/\//);

  // Whoever changes dossier.json makes a page and sums that fit.
  const fitting = async (from: string, change: (text: string) => string): Promise<Uint8Array> => {
    const archive = await Archive.open(bytesAccess(readFileSync(from)));
    const read = async (path: string): Promise<string> => Buffer.from((await archive.read(path))!.bytes).toString();
    const text = change(await read('dossier.json'));
    expect(text).not.toBe(await read('dossier.json'));
    const others = await Promise.all(
      archive.paths.filter((path) => path.startsWith('other/')).map((path) => archive.read(path)),
    );
    const bytes = others.map((file) => file!.bytes);
    return packDossier(JSON.parse(text) as Dossier, (await archive.read('bundle.zip'))!.bytes, bytes);
  };
  const statedDigest = createHash('sha256').update(noise(700_000, 1)).digest('hex');
  const first = (name: string) => new RegExp(`"${name}": \\{\\s*"index": \\d+`);
  for (const [from, change, words] of [
    [ofA, (text) => text.replace('"code": "XA"', '"code": "XB"'), 'names another ledger'],
    [ofA, (text) => text.replace(/(?<="checkpoint": "[^"]*?\\n)\d+/, '1'), 'names another ledger'],
    [ofA, (text) => text.replace(first('sent'), '"sent": {\n"index": 0'), 'has entry 0 of'],
    [ofA, (text) => text.replace(first('answer'), '"answer": {\n"index": 0'), 'has entry 0 of'],
    [ofB, (text) => text.replace(first('held'), '"held": {\n"index": 0'), 'has entry 0 of'],
    [ofA, (text) => text.replace(/"seq": \d+/, '"seq": 77'), 'as it is said to be'],
    [ofA, (text) => text.replace(/"status": "RECEIVED"/, '"status": "REFUSED"'), 'as it is said to be'],
    [ofA, (text) => text.replace(/(?<="proof": \{[^}]*"index": )\d+/, '0'), 'has the proof of entry 0'],
    [ofA, (text) => text.replace(/(?<="entry": ")[^"]+/, 'AAAA'), 'has the proof of'],
    [ofA, (text) => text.replace('"verified": true', '"verified": false'), 'has the proof of'],
    // That an exhibit is not what it states is not to be left out, nor its files given other digests.
    [ofB, (text) => text.replaceAll(statedDigest, '0'.repeat(64)), 'differing: its files have other digests'],
    [ofB, (text) => text.replace('"differing": []', `"differing": ["${statedDigest}"]`), 'differing: its files have'],
  ] as readonly (readonly [string, (text: string) => string, string])[]) {
    const changed = join(folder, 'changed.zip');
    writeFileSync(changed, await fitting(from, change));
    const outcome = await runCommand('audit', 'verify', changed);
    expect({ words, ...outcome }).toMatchObject({ status: REFUSED });
    expect(outcome.stdout).toContain(words);
  }

  const changes: readonly (readonly [string, (text: string) => string, string])[] = [
    ['dossier.json', (text) => text.replace('S-77', 'S-78'), 'signature: does not verify'],
    ['dossier.json', (text) => text.replace(/"size": 700000/, '"size": 700001'), 'no ledger here proves'],
    ['dossier.html', (text) => text.replace('S-77', 'S-78'), 'does not say what dossier.json says'],
    ['bundle.zip', () => '', 'not the one that the dossier was made with'],
    ['dossier.json', () => '{}', 'cannot be read'],
    ['dossier.json', (text) => text.replace('"exhibits": [', '"exhibits": [null,'), 'cannot be read'],
    ['dossier.json', (text) => text.replace('"files": [', '"files": [{},'), 'cannot be read'],
    [
      'sha256sums.txt',
      (text) => text.replace(/^[0-9a-f]/, (digit) => (digit === '0' ? '1' : '0')),
      'dossier.json says',
    ],
    ['', () => '', 'notes.txt: it has no place'],
  ];
  for (const [part, change, words] of changes) {
    const changed = join(folder, 'changed.zip');
    writeFileSync(changed, await withPart(readFileSync(ofA), part, change));
    const outcome = await runCommand('audit', 'verify', changed);
    expect({ part, ...outcome }).toMatchObject({ status: REFUSED });
    expect(outcome.stdout).toContain(words);
  }
  // What was handed to a court before the page said less of what messages say is verified as it was.
  const said = 'As the node shows it; its words are not proved here';
  expect(page).toContain(said);
  const earlier = join(folder, 'earlier.zip');
  const part = await withPart(readFileSync(ofA), 'dossier.html', (text) => text.replaceAll(said, 'As it was signed'));
  writeFileSync(earlier, part);
  expect((await runCommand('audit', 'verify', earlier)).status).toBe(0);
}

async function withPart(zip: Uint8Array, part: string, change: (text: string) => string): Promise<Uint8Array> {
  const archive = await Archive.open(bytesAccess(zip));
  const writer = new ArchiveWriter();
  const bytes: Uint8Array[] = [];
  for (const path of archive.paths) {
    const old = (await archive.read(path))!.bytes;
    bytes.push(...writer.add(path, path === part ? Buffer.from(change(Buffer.from(old).toString('utf8'))) : old));
  }
  if (part === '') bytes.push(...writer.add('notes.txt', Buffer.from('x')));
  return Buffer.concat([...bytes, ...writer.end()]);
}

describe('evidence on the command line', () => {
  test('files, folders and standard input go in, are sent, and come out as the system’s own sha256sum knows them', async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const [a, b] = [await serveNode(federation, 'XA'), await serveNode(federation, 'XB')];
    const [atA, atB] = [federation.dirOf('XA'), federation.dirOf('XB')];
    const caseId = await caseOverApi(a.api, b.api);
    const folder = temporaryFolder();
    const item = join(folder, 'item.json');
    const value = createHash('sha256').update(noise(700_000, 1)).digest('base64url');
    writeFileSync(item, JSON.stringify({ ...exhibit('e1'), hashes: [{ algorithm: 'SHA256', value }] }));

    // What goes in: one file, a folder with folders in it, and what another program writes.
    const contents = new Map([
      ['statement.pdf', noise(700_000, 1)],
      ['sub_image.dd', noise(3_000_000, 2)],
      ['sub_deep_note.txt', noise(1, 3)],
      ['piped.bin', noise(300_000, 4)],
    ]);
    writeFileSync(join(folder, 'statement.pdf'), contents.get('statement.pdf')!);
    const tree = join(folder, 'tree');
    mkdirSync(join(tree, 'sub', 'deep'), { recursive: true });
    writeFileSync(join(tree, 'sub', 'image.dd'), contents.get('sub_image.dd')!);
    writeFileSync(join(tree, 'sub', 'deep', 'note.txt'), contents.get('sub_deep_note.txt')!);
    symlinkSync('/etc/hostname', join(tree, 'link'));
    const about = ['--node', atB, '--case', caseId];
    const files = await succeed<Listed>(
      'evidence',
      'add',
      ...about,
      '--item',
      item,
      join(folder, 'statement.pdf'),
      tree,
    );
    expect(files.files.map(({ name }) => name)).toEqual(['statement.pdf', 'sub_deep_note.txt', 'sub_image.dd']);
    const piped = await withInput(
      contents.get('piped.bin')!,
      ...['evidence', 'add', ...about, '--item', 'e1', '--name', 'piped.bin', '-', '--json'],
    );
    expect(piped).toMatchObject({ status: DONE });
    // The same content under the same name is kept once.
    const again = await succeed<Listed>('evidence', 'add', ...about, join(folder, 'statement.pdf'));
    expect(again.files[0]!.file_id).toBe(files.files[0]!.file_id);
    const list = await succeed<Listed>('evidence', 'list', ...about);
    expect(list.files.map(({ name }) => name).sort()).toEqual([...contents.keys()].sort());

    // A seal is broken by hand, and signed for.
    const event = join(folder, 'event.json');
    writeFileSync(event, JSON.stringify({ kind: 'SEAL', to: 'Evidence room', place: 'Brethen', seal_no: 'S-77' }));
    await succeed('evidence', 'custody', 'add', ...about, '--item', 'e1', event);

    const sent = await runCommand('evidence', 'send', ...about, '--to', 'XA', '--measure', 'm1', 'e1');
    expect(sent).toMatchObject({ status: DONE });
    const output = join(folder, 'arrived');
    const got = await succeed<Listed>(
      'evidence',
      'get',
      '--node',
      atA,
      '--case',
      caseId,
      '--wait',
      '120',
      '-o',
      output,
    );
    expect(got.files).toHaveLength(contents.size);
    for (const [name, bytes] of contents) expect(Buffer.compare(readFileSync(join(output, name)), bytes)).toBe(0);

    // By the system's own tool: over what was sent, and over what arrived.
    const sums = execFileSync('sha256sum', ['statement.pdf', 'tree/sub/image.dd', 'tree/sub/deep/note.txt'], {
      cwd: folder,
    })
      .toString('utf8')
      .replaceAll(/tree\/|(?<=sub)\/|(?<=deep)\//g, (text) => (text === 'tree/' ? '' : '_'));
    writeFileSync(join(output, 'SENT'), sums);
    expect(execFileSync('sha256sum', ['-c', '--strict', 'SENT'], { cwd: output }).toString('utf8')).toMatch(
      /^(.*: OK\n){3}$/,
    );
    expect(execFileSync('sha256sum', ['-c', '--strict', 'SHA256SUMS'], { cwd: output }).toString('utf8')).toMatch(
      /^(.*: OK\n){4}$/,
    );
    // What is there already is not written over.
    const [first] = got.files;
    expect(await runCommand('evidence', 'get', '--node', atA, first!.file_id, '-o', first!.path!)).toMatchObject({
      status: REFUSED,
    });

    await until(() => isSettled(b.api, contents.size), HELD_MS);
    const shown = await runCommand('evidence', 'list', '--node', atB);
    expect(shown.stdout.match(/announced to XA: COMPLETE/g)).toHaveLength(contents.size);
    const custody = await runCommand('evidence', 'custody', 'show', '--node', atA, '--case', caseId);
    expect(custody).toMatchObject({ status: DONE });
    expect(custody.stdout).toMatch(/SEAL.*\n.*TRANSFER.*signed by XB\]\n.*RECEIVE.*signed by XA\]/);
    expect(await runCommand('evidence', 'verify', '--node', atA, '--case', caseId)).toMatchObject({ status: DONE });

    // Whoever reads the message is not handed the keys of its files.
    const messages = await a.api.get<MessageRecord[]>('messages');
    const transfer = messages.find(({ type }) => type === 'evidence_transfer')!;
    const content = await runCommand('message', 'show', '--node', atA, transfer.message_id, '--json');
    expect(content.stdout).toContain('"chunk_bytes"');
    expect(content.stdout).not.toContain('"key"');

    const one = got.files.find(({ name }) => name === 'piped.bin')!;
    await succeed('evidence', 'delete', '--node', atA, one.file_id, '--why', 'RETENTION_ENDED');
    expect(await runCommand('evidence', 'get', '--node', atA, one.file_id, '-o', join(folder, 'x'))).toMatchObject({
      status: REFUSED,
    });
    expect((await runCommand('evidence', 'list', '--node', atA)).stdout).toMatch(/DELETED, from XB {2}piped\.bin/);
    await dossiers(federation, caseId, folder);
  }, 600_000);

  test('two files of one name are not taken for each other, nor is a case that is not here for one without anything', async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const { api } = await serveNode(federation, 'XA');
    const folder = temporaryFolder();
    const [caseId, nowhere] = ['019b0000-0000-7000-8000-0000000000aa', '019b0000-0000-7000-8000-0000000000ff'];
    const node = ['--node', federation.dirOf('XA')];
    const contents = [noise(1000, 1), noise(1000, 2)];
    for (const [n, content] of contents.entries()) {
      await api.post('items', { case_id: caseId, item: exhibit(`e${n}`) });
      const query = new URLSearchParams({ case: caseId, item: `e${n}`, name: 'image.dd' });
      await api.postStream(`evidence?${query.toString()}`, Readable.from([content]));
    }
    const list = join(folder, 'list.txt');
    const check = async (...lines: readonly string[]): Promise<string> => {
      writeFileSync(list, `${lines.join('\n')}\n`);
      const { status, stdout } = await runCommand('evidence', 'check', ...node, '--case', caseId, list);
      return `${status} ${stdout.replaceAll(/ .*$/gm, '').trim().replaceAll('\n', ' ')}`;
    };
    const digest = (algorithm: string, n: number): string => createHash(algorithm).update(contents[n]!).digest('hex');
    for (const algorithm of ['sha256', 'md5']) {
      const line = (n: number): string => `${digest(algorithm, n)}  image.dd`;
      expect(await check(line(0), line(1))).toBe('0 SAME SAME');
      expect(await check(line(1), line(0))).toBe('0 SAME SAME');
      expect(await check(line(1))).toBe('0 SAME NOT_LISTED');
      // One was changed: that line is about the file that no other line is about.
      expect(
        await check(
          line(1),
          line(0).replace(/^./, (d) => (d === '0' ? '1' : '0')),
        ),
      ).toBe('1 SAME DIFFERENT');
    }

    for (const command of ['clocks', 'evidence custody show', 'evidence list', 'case show']) {
      const about = command === 'case show' ? [nowhere] : ['--case', nowhere];
      const { status, stdout, stderr } = await runCommand(...command.split(' '), ...node, ...about);
      expect({ command, status, stdout }).toEqual({ command, status: REFUSED, stdout: '' });
      expect(stderr).toContain(`CASE_UNKNOWN: There is no case ${nowhere} at this node.`);
    }
    const graph = join(folder, 'graph.jsonld');
    const none = await runCommand('evidence', 'case-export', ...node, '--case', nowhere, '-o', graph);
    expect(none).toMatchObject({ status: REFUSED, stderr: expect.stringContaining('EVIDENCE_UNKNOWN') as string });
    // Exhibits of a case that is only prepared are shown.
    expect(await runCommand('evidence', 'custody', 'show', ...node, '--case', caseId)).toMatchObject({ status: DONE });
  }, 600_000);

  test('names that somebody else chose lead nowhere; lists and graphs of other tools are read and written', async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const { api } = await serveNode(federation, 'XA');
    const folder = temporaryFolder();
    const caseId = '019b0000-0000-7000-8000-0000000000aa';
    const about = ['--node', federation.dirOf('XA'), '--case', caseId];
    await api.post('items', { case_id: caseId, item: exhibit('e1') });
    const add = (name: string, content: Uint8Array): Promise<EvidenceAnswer> => {
      async function* source(): AsyncIterable<Uint8Array> {
        yield content;
      }
      const query = new URLSearchParams({ case: caseId, item: 'e1', name });
      return api.postStream<EvidenceAnswer>(`evidence?${query.toString()}`, source());
    };
    // The sample that the README starts from.
    const sample = 'node-config/exhibit.json';
    const otherCase = ['--node', federation.dirOf('XA'), '--case', '019b0000-0000-7000-8000-0000000000ab'];
    expect(await succeed('evidence', 'add', ...otherCase, '--item', sample)).toMatchObject({ item_id: 'ledger-1' });
    // An exhibit that is not there is told before the first byte of its file is taken.
    const file = join(folder, 'for-nobody');
    writeFileSync(file, 'x');
    expect(await runCommand('evidence', 'add', ...about, '--item', 'e9', file)).toMatchObject({ status: REFUSED });
    expect(await api.get<Listed>('evidence')).toMatchObject({ files: [] });
    expect(
      await runCommand('evidence', 'get', '--node', federation.dirOf('XA'), caseId, '-o', join(folder, 'x')),
    ).toMatchObject({
      status: REFUSED,
      stderr: expect.stringContaining('EVIDENCE_UNKNOWN') as string,
    });
    for (const name of [
      '../up',
      '/etc/passwd',
      'a\u0000b',
      'a\u202egpj.exe',
      '..',
      'C:\\boot.ini',
      'x'.repeat(256),
      'a\nb',
      '',
    ]) {
      await expect(add(name, noise(10))).rejects.toMatchObject({ code: 'WIRE_FIELDS_INVALID' });
    }
    const names = [
      'CON',
      'nul.txt',
      'report.PDF',
      'REPORT.pdf',
      'end.',
      '.hidden',
      '-rf',
      `${'長'.repeat(80)}.tif`,
      'SHA256SUMS',
    ];
    for (const [seed, name] of names.entries()) await add(name, noise(1000 + seed, seed));
    const output = join(folder, 'out');
    const got = await succeed<Listed>('evidence', 'get', ...about, '-o', output);
    const written = readdirSync(output).sort();
    expect(written).toEqual([...got.files.map(({ path }) => basename(path!)), 'SHA256SUMS'].sort());
    expect(new Set(written.map((name) => name.toLowerCase())).size).toBe(names.length + 1);
    for (const name of written) expect(name).toMatch(/^(?!(con|nul)(\.|$))[\p{L}\p{N}_][^/]*[^.]$/iu);
    const sums = execFileSync('sha256sum', ['-c', '--strict', 'SHA256SUMS'], { cwd: output }).toString('utf8');
    expect(sums.match(/: OK$/gm)).toHaveLength(names.length);

    // Links that wait where files and lists are to be written are followed nowhere.
    const victim = join(folder, 'victim');
    for (const trap of ['_CON', 'SHA256SUMS']) {
      const trapped = join(folder, `trap-${trap}`);
      mkdirSync(trapped);
      symlinkSync(victim, join(trapped, trap));
      const outcome = await runCommand('evidence', 'get', ...about, '-o', trapped);
      expect(outcome).toMatchObject({ status: REFUSED });
      expect(outcome.stderr).toContain('CLI_FILE_UNWRITABLE');
      expect(readdirSync(trapped)).toEqual([trap]);
    }
    expect(existsSync(victim)).toBe(false);

    // The list of another tool: all the same, one that differs, one that is not here.
    const list = join(folder, 'sums.txt');
    const line = ({ sha256, name }: EvidenceAnswer): string => `${sha256}  ${name}\n`;
    writeFileSync(list, got.files.map(line).join(''));
    expect(await runCommand('evidence', 'check', ...about, list)).toMatchObject({ status: DONE });
    const [first, ...others] = got.files;
    const md5 = execFileSync(
      'md5sum',
      got.files.map(({ path }) => basename(path!)),
      { cwd: output },
    ).toString('utf8');
    writeFileSync(
      list,
      md5.replaceAll(/^(\w+ {2})(.*)$/gm, (_all, sum: string, at: string) => `${sum}${nameAt(got, at)}`),
    );
    expect(await runCommand('evidence', 'check', ...about, list)).toMatchObject({ status: DONE });
    writeFileSync(
      list,
      `${'0'.repeat(64)}  ${first!.name}\n${others.slice(1).map(line).join('')}${'1'.repeat(64)}  gone.bin\n`,
    );
    const checked = await runCommand('evidence', 'check', ...about, list);
    expect(checked).toMatchObject({ status: REFUSED });
    for (const result of ['DIFFERENT', 'NOT_HERE', 'NOT_LISTED', 'SAME']) expect(checked.stdout).toContain(result);
    writeFileSync(list, 'this is no list\n');
    expect((await runCommand('evidence', 'check', ...about, list)).stderr).toContain('EVIDENCE_LIST_MALFORMED');

    // Out as a graph, and in again as a description that a node takes.
    const graph = join(folder, 'graph.jsonld');
    expect(await succeed('evidence', 'case-export', ...about, '-o', graph)).toMatchObject({ exhibits: 1 });
    const described = await succeed<{ exhibits: { path: string; missing: string[]; item: { item_id: string } }[] }>(
      ...['evidence', 'case-import', graph, '-o', join(folder, 'described')],
    );
    expect(described.exhibits.map(({ item }) => item.item_id)).toEqual(['e1']);
    expect(readdirSync(join(folder, 'described'))).toEqual(['e1.json']);
    // What a person has added to a description since is not written over.
    writeFileSync(join(folder, 'described', 'e1.json'), '{}');
    const overwriting = await runCommand('evidence', 'case-import', graph, '-o', join(folder, 'described'));
    expect(overwriting).toMatchObject({ status: REFUSED });
    expect(readFileSync(join(folder, 'described', 'e1.json'), 'utf8')).toBe('{}');
    const hostile = readFileSync(graph, 'utf8').replaceAll('"e1"', '"../../e1"');
    writeFileSync(graph, hostile);
    const again = await runCommand('evidence', 'case-import', graph, '-o', join(folder, 'hostile'));
    expect(again).toMatchObject({ status: DONE });
    for (const name of readdirSync(join(folder, 'hostile'))) expect(name).toMatch(/^[a-z0-9-]+\.json$/);
    writeFileSync(graph, hostile.replace('FileFacet', 'NoSuchFacet'));
    const broken = await runCommand('evidence', 'case-import', graph, '-o', join(folder, 'broken'));
    expect(broken).toMatchObject({ status: REFUSED });
    expect(broken.stderr).toContain('EVIDENCE_CASE_MALFORMED');
    expect(existsSync(join(folder, 'broken'))).toBe(false);
  }, 600_000);

  test('a backup holds records and keys; with a copy of the sealed files beside it everything is back', async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const [a, b] = [await serveNode(federation, 'XA'), await serveNode(federation, 'XB')];
    const atB = federation.dirOf('XB');
    const caseId = await caseOverApi(a.api, b.api);
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'one.bin'), noise(50_000, 5));
    writeFileSync(join(folder, 'two.bin'), noise(60_000, 6));
    const added = await succeed<Listed>(
      ...['evidence', 'add', '--node', atB, '--case', caseId, join(folder, 'one.bin'), join(folder, 'two.bin')],
    );
    const backup = join(folder, 'backup.zip');
    await succeed('backup', '--node', atB, '-o', backup);
    expect(readFileSync(backup).includes(Buffer.from(noise(50_000, 5)).subarray(0, 64))).toBe(false);
    cpSync(join(atB, 'evidence'), join(folder, 'copy'), { recursive: true });
    const stopped = b.outcome;
    b.child.kill('SIGTERM');
    await stopped;

    // Another machine: the backup, the newest head, and only one of the two sealed files.
    const elsewhere = join(folder, 'xb');
    mkdirSync(elsewhere, { mode: 0o700 });
    cpSync(join(atB, 'head'), join(elsewhere, 'head'));
    expect(await runCommand('restore', backup, '--node', elsewhere)).toMatchObject({ status: DONE });
    chmodSync(join(elsewhere, 'keys'), 0o700);
    cpSync(join(folder, 'copy'), join(elsewhere, 'evidence'), { recursive: true });
    const lost = added.files[1]!;
    const object = join(elsewhere, 'evidence', 'objects', lost.root.slice(0, 2), lost.root.slice(2));
    const bytes = readFileSync(object);
    writeFileSync(object, bytes.subarray(1));
    await serveNode({ ...federation, dirOf: () => elsewhere }, 'XB');
    const verified = await runCommand('evidence', 'verify', '--node', elsewhere);
    expect(verified).toMatchObject({ status: REFUSED });
    expect(verified.stdout).toMatch(/whole and unchanged.*one\.bin\n/);
    expect(verified.stdout).toMatch(/NOT WHOLE {2}EVIDENCE_CORRUPT.*two\.bin\n/);
    writeFileSync(object, bytes);
    expect(await runCommand('evidence', 'verify', '--node', elsewhere)).toMatchObject({ status: DONE });
    // Nothing that a record names was swept away at the start.
    expect(readdirSync(join(elsewhere, 'evidence', 'objects'))).toHaveLength(
      new Set(added.files.map(({ root }) => root.slice(0, 2))).size,
    );
  }, 600_000);

  test.each([
    [['add', '--node', 'x', 'f'], '--case'],
    [['add', '--node', 'x', '--case', ID], 'at least one file'],
    [['add', '--node', 'x', '--case', ID, '-'], '--name'],
    [['get', '--node', 'x', '-o', 'f'], 'exactly one'],
    [['get', '--node', 'x', '--case', ID, 'z', '-o', 'f'], 'Unexpected'],
    [['send', '--node', 'x', '--case', ID, '--to', 'XB', 'e1'], '--measure'],
    [['custody', 'add', '--node', 'x', '--case', ID, 'f'], '--item'],
    [['delete', '--node', 'x', 'f'], '--why'],
    [['check', '--node', 'x', 'f'], '--case'],
    [['case-export', '--node', 'x', '--case', ID], '--output'],
    [['case-import', '-o', 'f'], 'graph'],
  ])('%j is wrong usage', async (args, words) => {
    const { status, stderr } = await runCommand('evidence', ...args);
    expect(status).toBe(USAGE);
    expect(stderr).toContain(words);
  });

  test('a file that is not there is told of by name, and nothing is made of the part that could be read', async () => {
    const missing = join(temporaryFolder(), 'nothing');
    const outcome = await runCommand('evidence', 'add', '--node', 'x', '--case', ID, missing);
    expect(outcome).toMatchObject({ status: REFUSED });
    expect(outcome.stderr).toContain(missing);
    expect(existsSync(missing)).toBe(false);
  });

  test('what of a folder cannot be kept is told by name before the node is asked for anything', async () => {
    const folder = temporaryFolder();
    const add = (...paths: readonly string[]): Promise<Outcome> =>
      runCommand('evidence', 'add', '--node', join(folder, 'none'), '--case', ID, ...paths);
    mkdirSync(join(folder, 'in', 'sub'), { recursive: true });
    writeFileSync(join(folder, 'in', 'empty.txt'), '');
    expect(await add(join(folder, 'in'))).toMatchObject({
      status: REFUSED,
      stderr: expect.stringContaining('There is no file to keep') as string,
    });
    expect((await add(join(folder, 'in', 'empty.txt'))).stderr).toContain('EVIDENCE_EMPTY');
    writeFileSync(join(folder, 'in', 'good.txt'), 'x');
    // Files that are empty are left out with a word: the next thing that fails is that no node is there.
    const good = await add(join(folder, 'in'));
    expect(good.stderr).toContain(`left out ${join(folder, 'in', 'empty.txt')}: it is empty`);
    expect(good.stderr).toContain('API_NODE_NOT_RUNNING');
    writeFileSync(join(folder, 'in', 'a\u202egpj.exe'), 'x');
    writeFileSync(join(folder, 'in', 'sub', 'b\nc'), 'x');
    const { status, stdout } = await runCommand(
      ...['evidence', 'add', '--node', 'none', '--case', ID, join(folder, 'in'), '--json'],
    );
    expect(status).toBe(REFUSED);
    const { error } = JSON.parse(stdout) as { error: { code: string; faults: { path: string }[] } };
    expect(error.code).toBe('WIRE_FIELDS_INVALID');
    expect(error.faults.map(({ path }) => path)).toEqual([
      expect.stringContaining('gpj.exe'),
      expect.stringContaining('b\\nc'),
    ]);
  });

  test('evidence is not written to standard output under the name “-”', async () => {
    const outcome = await runCommand('evidence', 'get', '--node', 'x', 'f', '-o', '-');
    expect(outcome).toMatchObject({ status: USAGE });
  });
});
