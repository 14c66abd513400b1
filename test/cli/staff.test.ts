/** Two people at the command line, with nodes in processes of their own. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nodePaths } from '../../src/config/mod.ts';
import { copyTestFederation, until } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { rogatory, serveNode, startRogatory, type Outcome } from '../kit/process.ts';

const REQUEST = 'node-config/messages/request.json';

const deep = process.env['SLOW'] === '1';
if (!deep) process.stderr.write('skipped: people at the command line, whom SLOW=1 has\n');

const json = <T>({ stdout }: Outcome): T => JSON.parse(stdout) as T;

describe.runIf(deep)('a node of one’s own', () => {
  test('people are registered, write, approve, are refused, and are told of', async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const dir = federation.dirOf('XA');
    const at = (person: string): string => join(federation.folder, `${person}.json`);
    const add = (person: string, role: string, ...more: string[]): Promise<Outcome> =>
      rogatory('staff', 'add', person, '--node', dir, '--role', role, '--name', person, '-o', at(person), ...more);
    // A node that is stopped is its operator's.
    expect((await add('feld', 'DRAFTER')).stderr).toContain('the first person of a node must be a REGISTRAR');
    expect(existsSync(at('feld'))).toBe(false);
    expect(await add('hale', 'REGISTRAR')).toMatchObject({ status: 0 });
    expect(statSync(at('hale')).mode & 0o777).toBe(0o600);
    expect((await add('hale', 'REGISTRAR')).status).toBe(2);

    await serveNode(federation, 'XA');
    const b = await serveNode(federation, 'XB');
    await until(async () => (await b.api.get<{ connected: boolean }[]>('peers'))[0]!.connected, 60_000);
    expect((await add('feld', 'DRAFTER')).stderr).toContain('STAFF_CREDENTIAL_REQUIRED');
    for (const [person, role] of [
      ['feld', 'DRAFTER'],
      ['moor', 'APPROVER'],
      ['ross', 'AUDITOR'],
    ] as const)
      expect(await add(person, role, '--as', at('hale'))).toMatchObject({ status: 0 });
    const as = (person: string, ...args: string[]): Promise<Outcome> =>
      rogatory(...args, '--node', dir, '--as', at(person), '--json');

    const alone = await rogatory('message', 'send', '--node', dir, '--to', 'XB', REQUEST);
    expect(alone).toMatchObject({ status: 1 });
    expect(alone.stderr).toContain('STAFF_CREDENTIAL_REQUIRED');
    const written = await as('feld', 'message', 'send', '--to', 'XB', REQUEST);
    expect(written.status).toBe(0);
    const { draft } = json<{ draft: { draft_id: string; status: string } }>(written);
    expect(draft.status).toBe('WAITING');
    expect((await as('feld', 'draft', 'approve', draft.draft_id)).stderr).toContain('STAFF_ROLE_MISSING');
    expect((await as('moor', 'draft', 'show', draft.draft_id)).stdout).toContain('assistance_request');
    const approved = await as('moor', 'draft', 'approve', draft.draft_id);
    const { message } = json<{ message: { message_id: string; case_id: string; status: string } }>(approved);
    expect({ status: approved.status, message: message.status }).toEqual({ status: 0, message: 'RECEIVED' });
    // At XB nobody is registered: it works as it did.
    const shown = await rogatory('message', 'show', '--node', federation.dirOf('XB'), message.message_id);
    expect(shown.stdout).toContain('Anna Feld');

    expect(await as('hale', 'staff', 'revoke', 'feld', '--why', 'has left')).toMatchObject({ status: 0 });
    expect((await as('feld', 'message', 'list')).stderr).toContain('STAFF_CREDENTIAL_REVOKED');
    const log = await as('ross', 'access-log', '--case', message.case_id);
    expect(log.status).toBe(0);
    expect(json<{ ok: boolean; lines: { person: string; action: string }[] }>(log)).toMatchObject({
      ok: true,
      lines: [
        { person: 'ross', action: 'READ_ACCESS_LOG' },
        { person: 'moor', action: 'APPROVE_DRAFT' },
      ],
    });
    const bundle = join(federation.folder, 'xa.zip');
    const disclosing = ['audit', 'export', '--node', dir, '-o', bundle, '--disclose', message.message_id];
    expect((await rogatory(...disclosing)).stderr).toContain('STAFF_CREDENTIAL_REQUIRED');
    expect(await rogatory(...disclosing, '--as', at('ross'))).toMatchObject({ status: 0 });
    expect(await rogatory('audit', 'verify', bundle)).toMatchObject({ status: 0 });
    expect((await rogatory('status', '--node', dir)).status).toBe(0);
  }, 600_000);
});

describe.runIf(deep)('a sandbox', () => {
  test('works without a credential as one person, and as each of its people', async () => {
    const folder = join(temporaryFolder(), 's');
    const outcome = await rogatory('sandbox', '--once', '--json', '--dir', folder);
    expect(outcome).toMatchObject({ status: 0 });
    const nodes = ['xa', 'xb'].map((name) => startRogatory('serve', '--config', nodePaths(join(folder, name)).config));
    const [xa, xb] = [join(folder, 'xa'), join(folder, 'xb')];
    await until(async () => (await rogatory('peers', '--node', xa)).stdout.includes('connected'), 60_000);
    await until(async () => (await rogatory('peers', '--node', xb)).stdout.includes('connected'), 60_000);
    const sent = await rogatory('message', 'send', '--node', xa, '--to', 'XB', REQUEST, '--json');
    expect(sent.status).toBe(0);
    const { message, receipt } = json<{ message: { message_id: string; status: string }; receipt: object }>(sent);
    expect({ ...message, receipt }).toMatchObject({ status: 'RECEIVED', receipt: { verified: true } });
    for (const node of [xa, xb]) {
      expect((await rogatory('message', 'list', '--node', node)).stdout).toContain(message.message_id);
      expect((await rogatory('message', 'show', '--node', node, message.message_id)).stdout).toContain('Anna Feld');
      expect((await rogatory('why', '--node', node, message.message_id)).stdout).toContain('XB received it');
    }
    const as = (person: string): Promise<Outcome> =>
      rogatory('message', 'show', '--node', xb, message.message_id, '--as', join(xb, 'staff', `${person}.json`));
    expect((await as('reviewer')).stderr).toContain('STAFF_CASE_NOT_ASSIGNED');
    expect((await as('police')).stderr).toContain('STAFF_ROLE_MISSING');
    const credential = readFileSync(join(xa, 'staff', 'approver.json'), 'utf8');
    expect(JSON.parse(credential)).toMatchObject({ version: 1 });
    for (const { child, outcome: ended } of nodes) {
      child.kill('SIGTERM');
      expect((await ended).status).toBe(0);
    }
  }, 600_000);
});
