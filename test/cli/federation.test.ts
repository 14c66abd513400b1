/** The council’s work, as its members type it: three people, three machines, files between them. */
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ApiServer } from '../../src/api/mod.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { runCommand } from '../kit/command.ts';
import { copyTestFederation, startNode } from '../kit/federation.ts';
import type { Outcome } from '../kit/process.ts';

type Json = Record<string, unknown>;

test('two of three found a federation, change it and its council, and no one alone can', async () => {
  const members = await copyTestFederation(['XA', 'XB']);
  const folder = temporaryFolder();
  const at = (...names: readonly string[]): string => join(folder, ...names);
  const federation = (...args: readonly string[]): Promise<Outcome> => runCommand('federation', ...args);
  const json = async (...args: readonly string[]): Promise<Json> =>
    JSON.parse((await federation(...args, '--json')).stdout) as Json;
  const publicKeys: string[] = [];
  for (const n of [1, 2, 3]) {
    mkdirSync(at(`m${n}`));
    const made = await json('keygen', '-o', at(`m${n}`, 'council.key'));
    expect(made).toMatchObject({ ok: true, encrypted: false });
    expect(statSync(at(`m${n}`, 'council.key')).mode & 0o777).toBe(0o600);
    publicKeys.push(at(`m${n}`, 'council.pub'));
  }
  expect((await federation('keygen', '-o', at('m1', 'council.key'))).stderr).toContain('NODE_EXISTS');
  const dir = ['--dir', at('c')];
  expect((await federation('create', ...dir, '--council', publicKeys.join(), '--threshold', '4')).status).toBe(2);
  expect((await federation('create', ...dir, '--council', at('m1', 'council.key'))).stderr).toContain(
    'TRUST_MALFORMED',
  );
  expect((await federation('create', ...dir, '--council', at('none.pub'))).stderr).toContain('TRUST_COUNCIL_KEY');
  expect((await federation('create', ...dir, '--council', publicKeys.join(), '--threshold', '2')).status).toBe(0);
  const enrolment = (code: string): string => join(members.dirOf(code), 'enrolment.json');
  const added = await json('add', ...dir, enrolment('XA'));
  const shown = await json('show', enrolment('XA'));
  expect((added['fingerprints'] as Json[])[0]!['digits']).toBe(shown['digits']);

  // Two members sign copies of the draft on their own machines; a third party's key is none of the council's.
  const copy = async (n: number): Promise<Outcome> => {
    cpSync(at('c'), at(`m${n}`, 'c'), { recursive: true });
    return federation('sign', '--dir', at(`m${n}`, 'c'), '--key', at(`m${n}`, 'council.key'));
  };
  const alone = await copy(1);
  expect(alone).toMatchObject({ status: 1 });
  expect(alone.stdout).toContain('1 of 2 signatures');
  await copy(3);
  await federation('keygen', '-o', at('other.key'));
  expect((await federation('sign', ...dir, '--key', at('other.key'))).stderr).toContain('TRUST_COUNCIL_KEY');
  const first = await json('sign', ...dir, at('m1', 'c', 'manifest.json'), at('m3', 'c', 'manifest.json'));
  expect(first).toMatchObject({ ok: true, version: 1 });
  const manifest = at('c', 'manifest.json');
  for (const fingerprint of [first['fingerprint'], first['digits']] as string[])
    expect((await federation('verify', manifest, '--fingerprint', fingerprint)).status).toBe(0);
  const wrong = await json(
    'verify',
    manifest,
    '--fingerprint',
    (first['digits'] as string).replace(/^\d/, (d) => String((Number(d) + 1) % 10)),
  );
  expect(wrong).toMatchObject({ ok: false, reason: 'MANIFEST_NOT_PINNED' });

  // Version 2: another member joins, and the council hands over from member 3 to member 4, whose key is under a passphrase.
  process.env['ROGATORY_PASSPHRASE'] = 'four words of a passphrase';
  await federation('keygen', '-o', at('m4.key'));
  delete process.env['ROGATORY_PASSPHRASE'];
  expect(readFileSync(at('m4.key'), 'utf8')).not.toContain('BEGIN');
  await federation('add', ...dir, enrolment('XB'));
  const kids = (await json('show', manifest))['manifest'] as { council: { keys: { kid: string }[] } };
  const third = kids.council.keys[2]!.kid;
  expect(await json('council', ...dir, '--add', at('m4.pub'), '--remove', third)).toMatchObject({ version: 2 });
  const changes = (await json('diff', at('c', 'manifest-1.json'), at('c', 'draft.json')))['changes'] as {
    path: string;
  }[];
  expect(changes.map(({ path }) => path.split('.').slice(0, 2).join('.'))).toEqual([
    'version',
    'issued_at',
    'expires_at',
    'council.keys',
    'council.keys',
    'members.XB',
  ]);
  expect((await federation('sign', ...dir, '--key', at('m4.key'))).stderr).toContain('STORE_PASSPHRASE_NEEDED');
  process.env['ROGATORY_PASSPHRASE'] = 'four words of a passphrase';
  // Two of the new council, and only one of those before it.
  const byNew = await json('sign', ...dir, '--key', `${at('m4.key')},${at('m1', 'council.key')}`);
  delete process.env['ROGATORY_PASSPHRASE'];
  expect(byNew).toMatchObject({ ok: false, missing: '1 of 2 signatures by the council before it' });
  expect(await json('sign', ...dir, '--key', at('m3', 'council.key'))).toMatchObject({ ok: true, version: 2 });
  expect((await federation('verify', manifest, '--predecessor', at('c', 'manifest-1.json'))).status).toBe(0);

  // Version 3: what can happen to a member.
  const kid = ((await json('show', manifest))['manifest'] as { members: { sign: { kid: string }[] }[] }).members[1]!
    .sign[0]!.kid;
  expect((await federation('revoke', ...dir, 'XB', kid, '--at', 'yesterday', '--reason', 'x')).status).toBe(2);
  expect(await json('revoke', ...dir, 'xb', kid, '--at', '2026-01-02T03:04:05Z', '--reason', 'lost')).toMatchObject({
    version: 3,
  });
  // A name may begin with a hyphen.
  expect((await federation('revoke', ...dir, 'XB', `-${'A'.repeat(42)}`, '--reason', 'x')).stderr).toContain(
    'TRUST_UNKNOWN_KEY',
  );
  expect((await federation('council', ...dir, '--remove', `-${'A'.repeat(42)}`)).stderr).toContain('TRUST_UNKNOWN_KEY');
  expect((await federation('suspend', ...dir, 'XC')).stderr).toContain('TRUST_UNKNOWN_MEMBER');
  for (const [verb, status] of [
    ['suspend', 'SUSPENDED'],
    ['reactivate', 'ACTIVE'],
    ['remove', 'LEFT'],
  ] as const)
    expect(await json(verb, ...dir, 'XB')).toMatchObject({ ok: true, version: 3, status });
  const text = (await federation('show', at('c', 'draft.json'))).stdout;
  expect(text).toContain('XB     LEFT');
  expect(text).toContain('REVOKED from 2026-01-02T03:04:05.000Z (lost)');
  expect(await json('renew', ...dir, '--days', '10')).toMatchObject({ version: 3 });
}, 60_000);

test('what is no whole file of the council’s is said to be none', async () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder, name);
  const federation = (...args: readonly string[]): Promise<Outcome> => runCommand('federation', ...args);
  await federation('create', '--dir', at('c'));
  await federation('sign', '--dir', at('c'));
  const manifest = join(at('c'), 'manifest.json');
  writeFileSync(at('cut.json'), readFileSync(manifest).subarray(0, 300));
  for (const payload of [7, null, '!!!', ['e30']])
    writeFileSync(at(`${String(payload)}.json`), JSON.stringify({ payload }));
  for (const name of ['cut.json', '7.json', 'null.json', '!!!.json', 'e30.json']) {
    const { status, stderr } = await federation('diff', manifest, at(name));
    expect({ name, status }).toEqual({ name, status: 1 });
    expect(stderr).toContain(`CLI_NOT_JSON: ${at(name)} is not a signed manifest`);
  }
  // No passphrase is wrong where there is none.
  writeFileSync(at('other.json'), '{"version":1}\n');
  for (const path of [join(at('c'), 'council-1.pub'), at('other.json'), manifest]) {
    const { status, stderr } = await federation('sign', '--dir', at('c'), '--key', path);
    expect(status).toBe(1);
    expect(stderr).toContain(`TRUST_COUNCIL_KEY: ${path} is not a council key`);
  }
});

test('a public key that a member has handed in is not written over', async () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder, name);
  await runCommand('federation', 'keygen', '-o', at('anna.key'));
  mkdirSync(at('c'));
  cpSync(at('anna.pub'), join(at('c'), 'anna.pub'));
  // A plain name, where the file was meant: a key of that name would be made, and hers would be gone.
  const { status, stderr } = await runCommand('federation', 'create', '--dir', at('c'), '--council', 'anna');
  expect(status).toBe(1);
  expect(stderr).toContain(`NODE_EXISTS: ${join(at('c'), 'anna.pub')} exists already`);
  expect(readFileSync(join(at('c'), 'anna.pub'), 'utf8')).toBe(readFileSync(at('anna.pub'), 'utf8'));
  expect(existsSync(join(at('c'), 'anna.key'))).toBe(false);
});

test('a fingerprint that is given is held against the manifest, whether the node needs it or not', async () => {
  const members = await copyTestFederation(['XA', 'XB']);
  const manifest = join(members.dirOf('XA'), 'manifest.json');
  const { fingerprint, digits } = JSON.parse((await runCommand('federation', 'show', manifest, '--json')).stdout) as {
    readonly fingerprint: string;
    readonly digits: string;
  };
  const publish = (...more: readonly string[]): Promise<Outcome> =>
    runCommand('federation', 'publish', manifest, '--node', members.dirOf('XA'), ...more);
  const check = async (): Promise<void> => {
    for (const right of [[], ['--fingerprint', fingerprint], ['--fingerprint', digits]])
      expect((await publish(...right)).status).toBe(0);
    const { status, stderr } = await publish('--fingerprint', fingerprint.replace(/./g, '0'));
    expect(status).toBe(1);
    expect(stderr).toContain(`MANIFEST_NOT_PINNED): its fingerprint is ${fingerprint}`);
  };
  await check();
  const node = await startNode(members, 'XA');
  const api = await ApiServer.open(node);
  onTestFinished(() => api.close());
  await check();
});

test('a node is not made under a name or a suite that no council could list', async () => {
  const dir = join(temporaryFolder(), 'x');
  const init = (...more: readonly string[]): Promise<Outcome> =>
    runCommand('init', '--jurisdiction', 'XA', '--dir', dir, '--endpoint', 'wss://127.0.0.1:1', ...more);
  for (const option of ['--name', '--authority']) {
    // Turned around by a control character, and two alphabets that look alike.
    for (const text of ['Xa\u202eland', '\u041c\u0430lta \u03b1', 'two\nlines'])
      expect(await init(option, text)).toMatchObject({
        status: 1,
        stderr: expect.stringContaining(
          `CONFIG_INVALID: The new configuration: ${option.slice(2)} must be a name`,
        ) as string,
      });
  }
  expect(await init('--suite', '0')).toMatchObject({ status: 2 });
  expect(existsSync(dir)).toBe(false);
});
