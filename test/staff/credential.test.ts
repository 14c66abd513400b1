/** Nobody acts by a credential that is not theirs, not this office's, not good any more, or said again. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import {
  Challenges,
  encodeCredential,
  generateStaffKey,
  parseCredential,
  presentCredential,
  type Credential,
} from '../../src/credential/mod.ts';
import {
  approveDraft,
  readDraft,
  registerStaff,
  revokeStaff,
  type Actor,
  type DraftRecord,
} from '../../src/staff/mod.ts';
import { staffKeys } from '../../src/staff/record.ts';
import { requestFile } from '../kit/drafts.ts';
import { copyTestFederation } from '../kit/federation.ts';
import { Office, codeOfFailure } from '../kit/office.ts';

// Hundreds of requests, each with its record on disk before it is answered.
vi.setConfig({ testTimeout: 240_000 });

const list = (office: Office, by: string | Credential): Promise<string> => codeOfFailure(office.as(by).get('messages'));

describe('a credential', () => {
  test('is needed from the first registration on, and the first person registers the others', async () => {
    const office = await Office.open(await copyTestFederation(['XA', 'XB']), 'XA');
    expect(await office.as('nobody').get('messages')).toEqual([]);
    expect(await codeOfFailure(office.add('drafter', ['DRAFTER']))).toBe('STAFF_INVALID');
    await office.add('registrar', ['REGISTRAR']);
    expect(await list(office, 'nobody')).toBe('STAFF_CREDENTIAL_REQUIRED');
    await office.add('drafter', ['DRAFTER']);
    expect(await office.as('drafter').get('messages')).toEqual([]);
    // The operator runs the node, and registers nobody any more.
    expect(await office.as('nobody').get('status')).toMatchObject({ code: 'XA' });
    const { x } = generateStaffKey();
    expect(await codeOfFailure(office.as('nobody').post('staff', { x }))).toBe('STAFF_CREDENTIAL_REQUIRED');
    expect(await codeOfFailure(office.as('drafter').get('staff'))).toBe('STAFF_ROLE_MISSING');
  });

  test('that is forged, another office’s, expired, revoked, or not registered is refused', async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    let aheadMs = 0;
    const office = await Office.open(federation, 'XA', { clock: { nowMs: () => Date.now() + aheadMs } });
    const other = await Office.open(federation, 'XB');
    await office.staff();
    await other.staff();
    const drafter = office.people.get('drafter')!;
    const statement = JSON.parse(drafter.statement) as Record<string, unknown>;

    const withRole = { ...drafter, statement: JSON.stringify({ ...statement, roles: ['AUDITOR'] }) };
    expect(await list(office, withRole)).toBe('STAFF_CREDENTIAL_FORGED');
    const forger = generateKeyPairSync('ed25519').privateKey;
    const signed = Buffer.from(`rogatory-credential/v1\n${withRole.statement}`);
    const forged = { ...withRole, signature: sign(null, signed, forger).toString('base64url') };
    expect(await list(office, forged)).toBe('STAFF_CREDENTIAL_FORGED');
    expect(await list(office, other.people.get('drafter')!)).toBe('STAFF_CREDENTIAL_FORGED');
    // Somebody who found the statement, and has another key.
    const key = generateStaffKey();
    const stolen = parseCredential(encodeCredential(drafter, key));
    expect(await list(office, stolen)).toBe('STAFF_PROOF_INVALID');
    expect(await list(office, { ...drafter, statement: '{}' })).toBe('CREDENTIAL_MALFORMED');
    expect((await office.raw('GET', '/v1/messages', 'Bearer x')).error?.code).toBe('CREDENTIAL_MALFORMED');

    expect(await list(office, drafter)).toBe('nothing failed');
    const second = await office.add('drafter', ['DRAFTER']);
    await office.as('registrar').post('revocations', { person: 'drafter', serial: statement['serial'], why: 'lost' });
    expect(await list(office, drafter)).toBe('STAFF_CREDENTIAL_REVOKED');
    expect(await list(office, second)).toBe('nothing failed');
    await office.as('registrar').post('revocations', { person: 'drafter', why: 'left' });
    expect(await list(office, second)).toBe('STAFF_CREDENTIAL_REVOKED');
    expect(await codeOfFailure(office.as('registrar').post('revocations', { person: 'drafter', why: 'left' }))).toBe(
      'STAFF_UNKNOWN',
    );
    // As after an older backup was put back: the office signed it, and does not know of it.
    const { serial } = JSON.parse(office.people.get('executor')!.statement) as { serial: string };
    await office.node.storage.store.commit({ puts: [], deletes: [staffKeys.issued(serial)] });
    expect(await list(office, 'executor')).toBe('STAFF_CREDENTIAL_UNKNOWN');
    aheadMs = 366 * 24 * 3_600_000;
    expect(await list(office, 'reviewer')).toBe('STAFF_CREDENTIAL_EXPIRED');
  });

  test('proves one request, once', async () => {
    const office = await (await Office.open(await copyTestFederation(['XA', 'XB']), 'XA')).staff();
    const drafter = office.people.get('drafter')!;
    const asked = { method: 'GET', path: '/v1/messages' };
    const header = presentCredential(drafter, await office.challenge(), asked);
    expect(await office.raw('GET', '/v1/messages', header)).toEqual([]);
    expect((await office.raw('GET', '/v1/messages', header)).error?.code).toBe('STAFF_PROOF_INVALID');

    const elsewhere = presentCredential(drafter, await office.challenge(), asked);
    expect((await office.raw('GET', '/v1/cases', elsewhere)).error?.code).toBe('STAFF_PROOF_INVALID');
    // A challenge that was tried is used up, whatever became of it.
    expect((await office.raw('GET', '/v1/messages', elsewhere)).error?.code).toBe('STAFF_PROOF_INVALID');
    const limited = presentCredential(drafter, await office.challenge(), { ...asked, path: '/v1/messages?limit=1' });
    expect((await office.raw('GET', '/v1/messages', limited)).error?.code).toBe('STAFF_PROOF_INVALID');
    const invented = presentCredential(drafter, Buffer.alloc(32).toString('base64url'), asked);
    expect((await office.raw('GET', '/v1/messages', invented)).error?.code).toBe('STAFF_PROOF_INVALID');

    const body = Buffer.from('{"person":"drafter"}');
    const revoking = { method: 'POST', path: '/v1/revocations', body };
    const changed = presentCredential(office.people.get('registrar')!, await office.challenge(), revoking);
    expect((await office.raw('POST', '/v1/revocations', changed, '{"person":"auditor"}')).error?.code).toBe(
      'STAFF_PROOF_INVALID',
    );
  });

  test('is registered under one name, for one person, with one key', async () => {
    const office = await (await Office.open(await copyTestFederation(['XA', 'XB']), 'XA')).staff();
    const add = (...args: Parameters<Office['add']>): Promise<string> => codeOfFailure(office.add(...args));
    const { x } = JSON.parse(office.people.get('drafter')!.statement) as { x: string };
    expect(await add('other', ['DRAFTER'], { x })).toBe('STAFF_INVALID');
    expect(await add('drafter', ['DRAFTER'], { name: 'Somebody else' })).toBe('STAFF_INVALID');
    expect(await add('registrar', ['APPROVER'])).toBe('STAFF_OWN_ACT');
    expect(await add('late', ['DRAFTER'], { expires_at: 1 })).toBe('STAFF_INVALID');
    expect(await add('Upper', ['DRAFTER'])).toBe('STAFF_INVALID');
    expect(await add('none', [])).toBe('STAFF_INVALID');
    expect(await add('agent', ['AGENCY'])).toBe('STAFF_INVALID');
    const agency = { kind: 'POLICE', unit: 'Division 4' } as const;
    expect(await add('agent', ['AGENCY', 'EXECUTOR'], { agency })).toBe('STAFF_INVALID');
    expect(await add('agent', ['AGENCY'], { agency, clearance: 'ALL' })).toBe('STAFF_INVALID');
    expect(await add('agent', ['AGENCY'], { agency, x: 'A'.repeat(43) })).toBe('CREDENTIAL_MALFORMED');
    expect(await add('agent', ['AGENCY'], { agency })).toBe('nothing failed');
  });
});

describe('what is asked at the same moment', () => {
  const actorOf = (office: Office, person: string): Actor => {
    const { serial, roles, clearance } = JSON.parse(office.people.get(person)!.statement) as Actor;
    return { person, serial, roles, clearance };
  };

  test('does not get past the end of the credential that it came with', async () => {
    const office = await (await Office.open(await copyTestFederation(['XA', 'XB']), 'XA')).staff();
    const { staff } = office.node;
    const written = await office.as('drafter').post<DraftRecord>('drafts', { to: 'XB', draft: requestFile() });
    // Known when they asked, and planned in one batch behind it.
    const revoking = revokeStaff(staff, actorOf(office, 'registrar'), { person: 'approver', why: 'left' });
    const reading = codeOfFailure(readDraft(staff, actorOf(office, 'approver'), written.draft_id));
    const approving = codeOfFailure(approveDraft(staff, actorOf(office, 'approver'), written.draft_id));
    await revoking;
    expect([await reading, await approving]).toEqual(['STAFF_CREDENTIAL_REVOKED', 'STAFF_CREDENTIAL_REVOKED']);
    expect(await office.as('drafter').get(`drafts/${written.draft_id}`)).toMatchObject({ status: 'WAITING' });
    expect(await office.node.exchange.messages({})).toEqual([]);
  });

  test('registers one person under a name, and a key once', async () => {
    const office = await (await Office.open(await copyTestFederation(['XA', 'XB']), 'XA')).staff();
    const { x } = generateStaffKey();
    const said = { roles: ['DRAFTER'], clearance: 'ASSIGNED', expires_at: Date.now() + 86_400_000 };
    const add = (person: string, name: string, key: string): Promise<string> =>
      codeOfFailure(registerStaff(office.node.staff, actorOf(office, 'registrar'), { ...said, person, name, x: key }));
    const names = await Promise.all(['A. Feld', 'B. Feld'].map((name) => add('feld', name, generateStaffKey().x)));
    expect(names).toEqual(['nothing failed', 'STAFF_INVALID']);
    const keys = await Promise.all(['moor', 'sol'].map((person) => add(person, 'Somebody', x)));
    expect(keys).toEqual(['nothing failed', 'STAFF_INVALID']);
    const revoke = (): Promise<string> =>
      codeOfFailure(revokeStaff(office.node.staff, actorOf(office, 'registrar'), { person: 'moor', why: 'left' }));
    expect(await Promise.all([revoke(), revoke()])).toEqual(['nothing failed', 'STAFF_UNKNOWN']);
  });
});

describe('challenges', () => {
  test('are good for a minute, and a flood of them forgets the oldest', () => {
    let nowMs = 0;
    const challenges = new Challenges({ monotonicMs: () => nowMs });
    const [first, second] = [challenges.issue(), challenges.issue()];
    nowMs = 59_999;
    expect(challenges.redeem(first)).toBe(true);
    expect(challenges.redeem(first)).toBe(false);
    nowMs = 60_000;
    expect(challenges.redeem(second)).toBe(false);
    const old = challenges.issue();
    for (let i = 0; i < 4096; i++) challenges.issue();
    expect(challenges.redeem(old)).toBe(false);
    expect(challenges.redeem(challenges.issue())).toBe(true);
  });
});
