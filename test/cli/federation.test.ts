/** The council’s work, as its members type it: three people, three machines, files between them. */
import { cpSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../kit/folder.ts';
import { runCommand } from '../kit/command.ts';
import { copyTestFederation } from '../kit/federation.ts';
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
