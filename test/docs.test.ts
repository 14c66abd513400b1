/** The documents say what is so: codes, links, commands, vectors. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HEALTH_CODES } from '../src/node/mod.ts';
import { contentFaults, transitionsMarkdown } from '../src/casework/mod.ts';
import { draftOf, loadScenario, messageSteps, scenarioNames } from '../src/cli/sandbox/scenario.ts';
import { parseNodeConfig } from '../src/config/mod.ts';
import { CLOSE_CODES } from '../src/exchange/mod.ts';
import { parseDraft } from '../src/wire/mod.ts';
import { readVector, type LedgerVector, type MessageVector } from './kit/vectors.ts';

const read = (path: string): string => readFileSync(path, 'utf8');
const readme = read('README.md');
const protocol = read('proto/README.md');

function sourcesOf(folder: string): { readonly path: string; readonly text: string }[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'generated' ? [] : sourcesOf(path);
    return path.endsWith('.ts') ? [{ path, text: read(path) }] : [];
  });
}

const sources = sourcesOf('src');
const errorFiles = sources.filter(({ path }) => path.endsWith('/error.ts'));
const codes = errorFiles.flatMap(({ text }) => {
  const union = /export type \w+ErrorCode =([\s\S]*?);\n/.exec(text)?.[1] ?? '';
  return [...union.matchAll(/'([A-Z][A-Z0-9_]+)'/g)].map((match) => match[1]!);
});

describe('README.md', () => {
  test('lists every error code once, and no other', () => {
    const section = readme.slice(readme.indexOf('## Error codes'), readme.indexOf('## Dependencies'));
    const listed = [...section.matchAll(/^\| `([A-Z_0-9]+)` \| .+ \|$/gm)].map((match) => match[1]!);
    expect(codes.length).toBeGreaterThan(50);
    expect(listed.toSorted()).toEqual([...codes, 'INTERNAL'].toSorted());
  });

  test('every code is raised somewhere', () => {
    const elsewhere = sources.map(({ text }) => text.replace(/export type \w+ErrorCode =[\s\S]*?;\n/, '')).join('\n');
    expect(codes.filter((code) => !elsewhere.includes(`'${code}'`))).toEqual([]);
  });

  test('gives a reason for every dependency', () => {
    const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
    const names = Object.keys({ ...manifest['dependencies'], ...manifest['devDependencies'] });
    const section = readme.slice(readme.indexOf('## Dependencies'), readme.indexOf('## What it is not'));
    expect(names.filter((name) => !section.includes(`\`${name.startsWith('@types/') ? '@types/*' : name}\``))).toEqual(
      [],
    );
  });

  test('names every room', () => {
    const rooms = readdirSync('src').filter((name) => !name.includes('.'));
    const section = readme.slice(readme.indexOf('## Rooms'), readme.indexOf('## Working on it'));
    expect(rooms.filter((room) => !section.includes(`| \`${room}\` |`))).toEqual([]);
  });

  test('shows commands that exist, with options that exist', () => {
    const commands = sources.filter(({ path }) => path.startsWith('src/cli/commands/')).map(({ text }) => text);
    const shown = [...readme.matchAll(/^scripts\/rogatory ([a-z]+(?: [a-z]+)?) (.*)$/gm)];
    expect(shown.length).toBeGreaterThan(15);
    for (const [, words, rest] of shown) {
      const name = words!.split(' ');
      const text = commands.find(
        (command) => command.includes(`name: '${words}'`) || command.includes(`name: '${name[0]}'`),
      );
      expect(text, words).toBeDefined();
      // Every command that acts on a node takes --as.
      for (const [, option] of rest!.matchAll(/--(?!as\b)([a-z]+)/g))
        expect(text, `${words} --${option}`).toMatch(new RegExp(`\\b${option}: `));
    }
  });
});

describe.each(['README.md', 'proto/README.md', 'node-config/README.md', 'node-config/treaties/README.md'])(
  '%s',
  (path) => {
    test('every link and every file that it names is there', () => {
      const text = read(path);
      const links = [...text.matchAll(/\]\(([\w./-]+)\)/g)].map((match) => join(dirname(path), match[1]!));
      const files = [...text.matchAll(/`((?:test|src|scripts|node-config|proto)\/[\w./-]+)`/g)].map(
        (match) => match[1]!,
      );
      expect([...links, ...files].filter((name) => !existsSync(name))).toEqual([]);
    });
  },
);

describe('proto/README.md', () => {
  test('shows the vectors as they are', () => {
    const message = readVector<MessageVector>('valid/message');
    const ledger = readVector<LedgerVector>('valid/ledger');
    const flat = protocol.replaceAll('\n', '');
    for (const value of [
      message.payload,
      message.signed_digest,
      message.sealed_digest,
      message.sign.kid,
      message.encrypt.kid,
    ]) {
      expect(flat).toContain(value);
    }
    expect(protocol).toContain(ledger.checkpoint.trimEnd());
    expect(protocol).toContain(ledger.inclusion.proof.trimEnd());
    expect(protocol).toContain(ledger.vkey);
    for (const leaf of ledger.leaf_hashes) expect(protocol).toContain(leaf);
  });

  test('has the table of transitions that nodes go by', () => {
    expect(protocol).toContain(transitionsMarkdown());
  });

  test('lists every close code and every reason', () => {
    for (const [name, code] of Object.entries(CLOSE_CODES)) expect(protocol).toContain(`| ${code} | ${name} |`);
    const reasons = [...read('proto/mla/v1/ledger.proto').matchAll(/REASON_([A-Z_]+) = \d+;/g)].map(
      (match) => match[1]!,
    );
    const described = reasons.filter((reason) => reason !== 'UNSPECIFIED' && !reason.startsWith('VOIDED'));
    expect(described.length).toBeGreaterThan(20);
    expect(described.filter((reason) => !protocol.includes(`\`${reason}\``))).toEqual([]);
  });
});

const scenarios = await scenarioNames();

describe('node-config', () => {
  test('the operator’s guide has a row for everything that can stand against a node’s health', () => {
    const guide = read('node-config/README.md');
    expect(HEALTH_CODES.filter((code) => !new RegExp(`^\\|[^|]*\`${code}\``, 'm').test(guide))).toEqual([]);
  });

  test('the configuration that the operator’s guide shows is one', () => {
    const shown = /```json\n([\s\S]*?)```/.exec(read('node-config/README.md'))![1]!;
    expect(parseNodeConfig(JSON.parse(shown), '/srv/xa', 'sample')).toMatchObject({
      code: 'XA',
      limits: { credit: 256 },
    });
  });

  test.each(scenarios)('the scenario %s can be played', async (name) => {
    const scenario = await loadScenario(name);
    expect(scenario.note).toMatch(/invented/);
    for (const step of messageSteps(scenario)) {
      const id = '019b0000-0000-7000-8000-000000000001';
      const draft = draftOf(step, Date.now(), { message_id: id }, () => id);
      const faults = contentFaults(parseDraft(draft).body);
      expect(faults.length > 0, step.id).toBe(step.refused === 'WIRE_FIELDS_INVALID');
    }
  });

  test.each(readdirSync('node-config/messages'))('the message %s can be sent', (name) => {
    expect(contentFaults(parseDraft(JSON.parse(read(`node-config/messages/${name}`))).body)).toEqual([]);
  });
});
