/** Two people for every message, the need to know for every read, and a record of everything. */
import { randomBytes } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import type { SentAnswer } from '../../src/api/mod.ts';
import { auditBundles } from '../../src/audit/mod.ts';
import { newUuid as uuidAt, type JurisdictionCode, type Uuid } from '../../src/base/mod.ts';
import type { Statistics } from '../../src/casework/mod.ts';
import type { CaseView, MessageRecord } from '../../src/exchange/mod.ts';
import type { AccessLog, DraftRecord } from '../../src/staff/mod.ts';
import { staffKeys } from '../../src/staff/record.ts';
import { exportedBundle } from '../kit/bundle.ts';
import { acknowledgementDraft, requestDraft, requestFile } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';
import { Office, codeOfFailure } from '../kit/office.ts';

// Hundreds of requests, each with its record on disk before it is answered.
vi.setConfig({ testTimeout: 240_000 });

const XA = 'XA' as JurisdictionCode;

const newUuid = (): Uuid => uuidAt(Date.now(), randomBytes(10));

async function connectedOffice(): Promise<{ office: Office; peer: Awaited<ReturnType<typeof startNode>> }> {
  const federation = await copyTestFederation(['XA', 'XB']);
  const office = await (await Office.open(federation, 'XA')).staff();
  const peer = await startNode(federation, 'XB');
  await until(() => office.node.transport.connections()[0]!.connected, 60_000);
  return { office, peer };
}

const draft = (office: Office, by: string, change: object = {}): Promise<DraftRecord> =>
  office.as(by).post<DraftRecord>('drafts', { to: 'XB', draft: { ...requestFile(), ...change } });
const approve = (office: Office, by: string, { draft_id: id }: DraftRecord): Promise<SentAnswer> =>
  office.as(by).post<SentAnswer>(`drafts/${id}/approve`, { wait_ms: 30_000 });
const log = (office: Office, query = ''): Promise<AccessLog> => office.as('auditor').get(`access-log${query}`);

describe('a message', () => {
  test('T21: leaves by two people, whoever they say they are', async () => {
    const { office, peer } = await connectedOffice();
    expect(await codeOfFailure(office.as('both').post('messages', { to: 'XB', draft: requestFile() }))).toBe(
      'STAFF_TWO_PEOPLE',
    );
    expect(await codeOfFailure(draft(office, 'approver'))).toBe('STAFF_ROLE_MISSING');
    expect(await codeOfFailure(draft(office, 'reviewer'))).toBe('STAFF_ROLE_MISSING');
    const written = await draft(office, 'both');
    expect(await codeOfFailure(approve(office, 'both', written))).toBe('STAFF_OWN_ACT');
    // The same person with another credential, which has the approver's role alone.
    office.people.set('both again', await office.add('both', ['APPROVER']));
    expect(await codeOfFailure(approve(office, 'both again', written))).toBe('STAFF_OWN_ACT');
    expect(await codeOfFailure(approve(office, 'drafter', written))).toBe('STAFF_ROLE_MISSING');
    expect(await codeOfFailure(approve(office, 'registrar', written))).toBe('STAFF_ROLE_MISSING');
    expect(await office.node.exchange.messages({})).toEqual([]);

    const { message, receipt } = await approve(office, 'approver', written);
    expect(message.status).toBe('RECEIVED');
    expect(receipt).toMatchObject({ verified: true });
    expect(await codeOfFailure(approve(office, 'approver', written))).toBe('STAFF_ALREADY_DECIDED');
    expect(await peer.exchange.messages({})).toHaveLength(1);
    // Approvals at the same moment send it once.
    const again = await draft(office, 'drafter');
    const outcomes = await Promise.all(
      ['approver', 'both', 'approver'].map((person) => codeOfFailure(approve(office, person, again))),
    );
    // Once it is sent, it is of a case that only the one who sent it knows.
    const late = ['STAFF_ALREADY_DECIDED', 'STAFF_UNKNOWN'];
    expect(outcomes.filter((code) => code === 'nothing failed')).toHaveLength(1);
    expect(outcomes.filter((code) => late.includes(code))).toHaveLength(2);
    expect(await office.node.exchange.messages({})).toHaveLength(2);
    const report = await auditBundles([
      { name: 'xa', bytes: await exportedBundle(office.node) },
      { name: 'xb', bytes: await exportedBundle(peer) },
    ]);
    expect(report.findings).toEqual([]);
  });

  test('that is rejected, wrong, or an illegal step does not leave', async () => {
    const { office } = await connectedOffice();
    const written = await draft(office, 'drafter');
    await office.as('approver').post(`drafts/${written.draft_id}/reject`, { why: 'The facts are thin.' });
    expect(await codeOfFailure(approve(office, 'approver', written))).toBe('STAFF_ALREADY_DECIDED');
    expect(await office.as('drafter').get('drafts')).toMatchObject([
      { status: 'REJECTED', why: 'The facts are thin.' },
    ]);
    const wrong = office.as('drafter').post('drafts', { to: 'XB', draft: { assistance_request: {} } });
    expect(await codeOfFailure(wrong)).toBe('WIRE_FIELDS_INVALID');
    const sent = await approve(office, 'approver', await draft(office, 'drafter'));
    const withdrawal = { in_reply_to: sent.message.message_id, withdrawal: { reasons: { lang: 'en', text: 'x' } } };
    const withdraw = (): Promise<DraftRecord> =>
      office.as('drafter').post<DraftRecord>('drafts', { to: 'XB', draft: withdrawal });
    const [first, second] = [await withdraw(), await withdraw()];
    await approve(office, 'approver', first);
    // A refusal of the state machine leaves the draft as it was, and no record of an approval.
    expect(await codeOfFailure(approve(office, 'approver', second))).toBe('CASE_ILLEGAL_STEP');
    expect(await office.as('drafter').get(`drafts/${second.draft_id}`)).toMatchObject({ status: 'WAITING' });
    const { lines } = await log(office);
    expect(lines.filter(({ action }) => action === 'APPROVE_DRAFT').map(({ refused }) => refused)).toEqual([
      undefined,
      undefined,
      'STAFF_ALREADY_DECIDED',
    ]);
  });
});

describe('a case', () => {
  test('T21: is known to those who were assigned to it, and every attempt of others is on record', async () => {
    const { office, peer } = await connectedOffice();
    const incoming = await peer.exchange.send(requestDraft(), XA);
    expect((await peer.exchange.answerOf(incoming.message_id, 30_000)).status).toBe('RECEIVED');
    const [id, caseId] = [incoming.message_id, incoming.case_id!];
    const paths = [`messages/${id}`, `messages/${id}/why`, `cases/${caseId}`, `evidence?case=${caseId}`];
    for (const person of ['drafter', 'reviewer', 'approver', 'executor'])
      for (const path of paths)
        expect(await codeOfFailure(office.as(person).get(path))).toBe('STAFF_CASE_NOT_ASSIGNED');
    expect(await office.as('reviewer').get('messages')).toEqual([]);
    expect(await office.as('reviewer').get('cases')).toEqual([]);
    // Those who see every case see of it that it is there.
    for (const person of ['registrar', 'auditor']) {
      expect(await codeOfFailure(office.as(person).get(`messages/${id}`))).toBe('STAFF_ROLE_MISSING');
      expect(await codeOfFailure(office.as(person).get(`cases/${caseId}`))).toBe('STAFF_ROLE_MISSING');
      expect(await office.as(person).get<MessageRecord[]>('messages')).toMatchObject([{ message_id: id }]);
      const listed = await office.as(person).get<CaseView[]>('cases');
      expect(listed).toMatchObject([{ case_id: caseId, measures: {}, instruments: [] }]);
      // Nor does a step tell what it is about.
      const opening = {
        message_id: id,
        by: 'XB',
        type: 'assistance_request',
        issued_at: incoming.sent.time,
        measures: [],
      };
      expect(listed[0]!.steps.map((step) => ({ ...step, issued_at: incoming.sent.time }))).toEqual([opening]);
    }
    const acknowledgement = { to: 'XB', draft: { in_reply_to: id, ...bodyOf(acknowledgementDraft(id)) } };
    const reply = (): Promise<DraftRecord> => office.as('reviewer').post<DraftRecord>('drafts', acknowledgement);
    expect(await codeOfFailure(reply())).toBe('STAFF_CASE_NOT_ASSIGNED');

    const assign = (by: string, person: string, remove = false): Promise<string> =>
      codeOfFailure(office.as(by).post(`cases/${caseId}/assign`, { person, remove }));
    expect(await assign('approver', 'approver')).toBe('STAFF_ROLE_MISSING');
    expect(await assign('registrar', 'registrar')).toBe('STAFF_OWN_ACT');
    expect(await assign('registrar', 'nobody')).toBe('STAFF_UNKNOWN');
    expect(await assign('registrar', 'reviewer')).toBe('nothing failed');
    for (const path of paths) expect(await codeOfFailure(office.as('reviewer').get(path))).toBe('nothing failed');
    expect(await office.as('reviewer').get<CaseView[]>('cases')).toMatchObject([
      { measures: { m1: 'SENT' }, steps: [{ said: { instruments: ['untoc'] } }] },
    ]);
    const written = await reply();
    // To approve is to know.
    expect(await codeOfFailure(approve(office, 'approver', written))).toBe('STAFF_UNKNOWN');
    expect(await office.as('approver').get('drafts')).toEqual([]);
    expect(await assign('registrar', 'approver')).toBe('nothing failed');
    expect((await approve(office, 'approver', written)).message.status).toBe('RECEIVED');
    expect(await assign('registrar', 'reviewer', true)).toBe('nothing failed');
    expect(await codeOfFailure(office.as('reviewer').get(`cases/${caseId}`))).toBe('STAFF_CASE_NOT_ASSIGNED');

    const { lines, missing } = await log(office, `?case=${caseId}`);
    expect(missing).toEqual([]);
    expect(lines.every(({ verified }) => verified)).toBe(true);
    const refused = lines.filter(({ refused: code }) => code === 'STAFF_CASE_NOT_ASSIGNED');
    expect(refused.filter(({ action }) => action === 'READ_MESSAGE').map(({ person }) => person)).toEqual([
      'executor',
      'approver',
      'reviewer',
      'drafter',
    ]);
    expect(lines.find(({ action, refused: code }) => action === 'READ_MESSAGE' && code === undefined)).toMatchObject({
      person: 'reviewer',
      role: 'REVIEWER',
      message_id: id,
    });
  });

  test('that one need not know takes no place in a list, and no part in a count', async () => {
    const { office } = await connectedOffice();
    const { message: older } = await approve(office, 'approver', await draft(office, 'drafter'));
    await office.as('registrar').post(`cases/${older.case_id}/assign`, { person: 'executor' });
    const { message: newer } = await approve(office, 'approver', await draft(office, 'drafter'));
    const listed = async (by: string, query: string): Promise<string[]> =>
      (await office.as(by).get<MessageRecord[]>(`messages?${query}`)).map(({ message_id: id }) => id);
    expect(await listed('drafter', 'limit=1')).toEqual([newer.message_id]);
    expect(await listed('executor', 'limit=1')).toEqual([older.message_id]);
    expect(await listed('executor', '')).toEqual([older.message_id]);
    expect(await listed('reviewer', 'limit=1')).toEqual([]);
    expect(await listed('drafter', 'limit=0')).toEqual([]);
    // Narrowed down to one case, a count says what it is about.
    const counted = async (by: string): Promise<[number, object]> => {
      const { cases, total } = await office.as(by).get<Statistics>('statistics?peer=XB');
      return [cases, total.outgoing.by_measure];
    };
    const [all, measures] = await counted('registrar');
    expect(all).toBe(2);
    expect(measures).not.toEqual({});
    expect((await counted('auditor'))[0]).toBe(2);
    expect((await counted('executor'))[0]).toBe(1);
    expect(await counted('reviewer')).toEqual([0, {}]);
  });

  test('that one may not know is answered for like one that is not there', async () => {
    const { office, peer } = await connectedOffice();
    await office.add('chief', ['REVIEWER', 'APPROVER', 'EXECUTOR'], { clearance: 'ALL' });
    const { message } = await approve(office, 'approver', await draft(office, 'drafter'));
    const caseId = message.case_id!;
    const written = await office.as('drafter').post<DraftRecord>('drafts', {
      to: 'XB',
      draft: { in_reply_to: message.message_id, withdrawal: { reasons: { lang: 'en', text: 'x' } } },
    });
    const content = (async function* () {
      yield await Promise.resolve(Buffer.from('a file'));
    })();
    await office.add('keeper', ['EXECUTOR'], { clearance: 'ALL' });
    const file = await office
      .as('keeper')
      .postStream<{ readonly file_id: string }>(`evidence?case=${caseId}&name=a`, content);
    const here = { message: message.message_id, case: caseId, draft: written.draft_id, file: file.file_id };
    const elsewhere = { message: newUuid(), case: newUuid(), draft: newUuid(), file: newUuid() };
    const answersOf = async (person: string, ids: typeof here): Promise<string[]> => {
      const by = office.as(person);
      const reply = { in_reply_to: ids.message, acknowledge_receipt: acknowledgementDraft(ids.message).body.value };
      const answers: Promise<unknown>[] = [
        by.get(`messages/${ids.message}`),
        by.get(`messages/${ids.message}/why`),
        by.post(`messages/${ids.message}/withdraw`, {}),
        by.post(`messages/${ids.message}/review`, { next: '2099-01-01' }),
        by.get(`cases/${ids.case}`),
        by.get(`evidence?case=${ids.case}`),
        by.getBytes(`evidence/${ids.file}/content`),
        by.post(`evidence/${ids.file}/verify`, {}),
        by.post(`evidence/${ids.file}/delete`, { why: 'MISTAKE' }),
        by.get(`drafts/${ids.draft}`),
        by.post(`drafts/${ids.draft}/approve`, {}),
        by.post(`drafts/${ids.draft}/reject`, { why: 'no' }),
        by.post('drafts', { to: 'XB', draft: reply }),
      ];
      const said = (await Promise.allSettled(answers)).map((outcome) =>
        outcome.status === 'fulfilled' ? 'nothing failed' : nameless(outcome.reason as Error, ids),
      );
      return said;
    };
    const nameless = ({ message: text, code }: Error & { code?: string }, ids: object): string =>
      Object.values(ids).reduce<string>((left, id: string) => left.replaceAll(id, '…'), `${code}: ${text}`);
    await office.add('other', ['REVIEWER', 'APPROVER', 'EXECUTOR', 'DRAFTER']);
    for (const person of ['other', 'executor', 'reviewer'])
      expect(await answersOf(person, here), person).toEqual(await answersOf(person, elsewhere));
    // Nor does a refusal tell which case it is that a message is of.
    const refusal = await office.as('other').get(`messages/${message.message_id}`).catch(String);
    expect(refusal).not.toContain(caseId);
    expect((await answersOf('chief', elsewhere)).map((said) => said.split(':')[0])).toContain(
      'EXCHANGE_UNKNOWN_MESSAGE',
    );
    expect(await codeOfFailure(office.as('registrar').get(`messages/${elsewhere.message}/why`))).toBe(
      'EXCHANGE_UNKNOWN_MESSAGE',
    );
    expect(await peer.exchange.messages({})).toHaveLength(1);
  });

  test('that was opened under another is known with it', async () => {
    const { office, peer } = await connectedOffice();
    const { message } = await approve(office, 'approver', await draft(office, 'drafter'));
    const acknowledged = await peer.exchange.send(acknowledgementDraft(message.message_id), XA);
    await peer.exchange.answerOf(acknowledged.message_id, 30_000);
    const { assistance_request: request } = requestFile() as { readonly assistance_request: object };
    const changes = { lang: 'en', text: 'A second account.' };
    const child = { supplementary_request: { parent_id: message.case_id, changes, request } };
    const supplement = (by: string): Promise<DraftRecord> =>
      office.as(by).post<DraftRecord>('drafts', { to: 'XB', draft: child });
    expect(await codeOfFailure(supplement('both'))).toBe('STAFF_CASE_NOT_ASSIGNED');
    const sent = await approve(office, 'approver', await supplement('drafter'));
    expect(sent.message.case_id).not.toBe(message.case_id);
    await office.as('registrar').post(`cases/${message.case_id}/assign`, { person: 'executor' });
    const read = (by: string): Promise<string> => codeOfFailure(office.as(by).get(`cases/${sent.message.case_id}`));
    expect(await read('executor')).toBe('nothing failed');
    expect(await read('reviewer')).toBe('STAFF_CASE_NOT_ASSIGNED');
  });
});

describe('a message that is TLP:RED', () => {
  const red = (office: Office, tlp = 'RED'): Promise<DraftRecord> => {
    const { assistance_request: request } = requestFile() as { readonly assistance_request: object };
    return draft(office, 'drafter', { assistance_request: { ...request, handling: { tlp, europol_codes: [] } } });
  };

  test('is read by those who are named for its case, and by nobody who is cleared for all or knows it through another', async () => {
    const { office, peer } = await connectedOffice();
    await office.add('chief', ['REVIEWER'], { clearance: 'ALL' });
    const { message } = await approve(office, 'approver', await red(office));
    const read = (by: string, id = message.message_id): Promise<string> =>
      codeOfFailure(office.as(by).get(`messages/${id}`));
    expect(await Promise.all(['drafter', 'approver', 'chief', 'reviewer'].map((by) => read(by)))).toEqual([
      'nothing failed',
      'nothing failed',
      'STAFF_CASE_NOT_ASSIGNED',
      'STAFF_CASE_NOT_ASSIGNED',
    ]);
    const attempts = (await log(office, '?person=chief')).lines.filter(
      ({ action, person }) => action === 'READ_MESSAGE' && person === 'chief',
    );
    expect(attempts).toMatchObject([{ refused: 'STAFF_CASE_NOT_ASSIGNED' }]);
    // What a message is marked with is no secret of its case: who may know that there is one still does.
    expect(await codeOfFailure(office.as('chief').get(`cases/${message.case_id}`))).toBe('nothing failed');
    await office.as('registrar').post(`cases/${message.case_id}/assign`, { person: 'chief' });
    expect(await read('chief')).toBe('nothing failed');
    // AMBER is for the office, as far as its people need to know.
    await office.add('deputy', ['REVIEWER'], { clearance: 'ALL' });
    const amber = await approve(office, 'approver', await red(office, 'AMBER'));
    expect(await read('deputy', amber.message.message_id)).toBe('nothing failed');
    expect(await read('deputy')).toBe('STAFF_CASE_NOT_ASSIGNED');
    expect(await peer.exchange.protection.isForNamedReaders(message.message_id)).toBe(true);
  });

  test('is not read by those who know its case by the one that it was opened under', async () => {
    const { office, peer } = await connectedOffice();
    const { message: first } = await approve(office, 'approver', await draft(office, 'drafter'));
    const acknowledged = await peer.exchange.send(acknowledgementDraft(first.message_id), XA);
    await peer.exchange.answerOf(acknowledged.message_id, 30_000);
    const { assistance_request: asked } = requestFile() as { readonly assistance_request: object };
    const supplement = async (tlp: string): Promise<MessageRecord> => {
      const request = { ...asked, handling: { tlp, europol_codes: [] } };
      const changes = { lang: 'en', text: 'A second account.' };
      const child = { supplementary_request: { parent_id: first.case_id, changes, request } };
      const written = await office.as('drafter').post<DraftRecord>('drafts', { to: 'XB', draft: child });
      return (await approve(office, 'approver', written)).message;
    };
    const [red, amber] = [await supplement('RED'), await supplement('AMBER')];
    const assign = (caseId: string, remove = false): Promise<unknown> =>
      office.as('registrar').post(`cases/${caseId}/assign`, { person: 'executor', remove });
    const read = (id: string): Promise<string> => codeOfFailure(office.as('executor').get(`messages/${id}`));
    await assign(first.case_id!);
    expect(await codeOfFailure(office.as('executor').get(`cases/${red.case_id}`))).toBe('nothing failed');
    expect([await read(first.message_id), await read(amber.message_id), await read(red.message_id)]).toEqual([
      'nothing failed',
      'nothing failed',
      'STAFF_CASE_NOT_ASSIGNED',
    ]);
    // Assigned to that very case, and to no other.
    await assign(red.case_id!);
    await assign(first.case_id!, true);
    expect([await read(first.message_id), await read(amber.message_id), await read(red.message_id)]).toEqual([
      'STAFF_CASE_NOT_ASSIGNED',
      'STAFF_CASE_NOT_ASSIGNED',
      'nothing failed',
    ]);
    await assign(red.case_id!, true);
    expect(await read(red.message_id)).toBe('STAFF_CASE_NOT_ASSIGNED');
  });

  test('is read by whoever opens the folder of a node without staff', async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const office = await Office.open(federation, 'XA');
    await startNode(federation, 'XB');
    const { assistance_request: request } = requestFile() as { readonly assistance_request: object };
    const marked = { assistance_request: { ...request, handling: { tlp: 'RED', europol_codes: [] } } };
    const sent = await office.as('nobody').post<SentAnswer>('messages', { to: 'XB', draft: marked, wait_ms: 0 });
    expect(await codeOfFailure(office.as('nobody').get(`messages/${sent.message.message_id}`))).toBe('nothing failed');
  });
});

describe('the access log', () => {
  test('is an auditor’s, and a line that is changed or deleted is missed', async () => {
    const office = await (await Office.open(await copyTestFederation(['XA', 'XB']), 'XA')).staff();
    await office.as('drafter').get('messages');
    expect(await codeOfFailure(office.as('registrar').get('access-log'))).toBe('STAFF_ROLE_MISSING');
    const before = await log(office);
    expect(before.missing).toEqual([]);
    const { index } = before.lines.find(({ person }) => person === 'drafter')!;
    const { store } = office.node.storage;
    const key = staffKeys.access(index);
    const line = Buffer.from((await store.get(key))!).toString('utf8');
    await store.commit({ puts: [[key, Buffer.from(line.replace('drafter', 'auditor'))]] });
    const changed = (await log(office)).lines.filter(({ verified }) => !verified);
    expect(changed.map((each) => each.index)).toEqual([index]);
    await store.commit({ puts: [], deletes: [key] });
    expect((await log(office)).missing).toEqual([index]);
  });

  test('says by person what the ledger says by role', async () => {
    const office = await (await Office.open(await copyTestFederation(['XA', 'XB']), 'XA')).staff();
    const written = await draft(office, 'drafter');
    await office.as('approver').get(`drafts/${written.draft_id}`);
    const { lines } = await log(office);
    expect(lines.slice(0, 3).map(({ person, role, action }) => [person, role, action])).toEqual([
      ['auditor', 'AUDITOR', 'READ_ACCESS_LOG'],
      ['approver', 'APPROVER', 'READ_DRAFT'],
      ['drafter', 'DRAFTER', 'CREATE_DRAFT'],
    ]);
    const about = (await log(office, '?person=drafter')).lines;
    expect(about.map(({ person, action }) => [person, action])).toEqual([
      ['auditor', 'READ_ACCESS_LOG'],
      ['drafter', 'CREATE_DRAFT'],
      ['registrar', 'REGISTER_STAFF'],
    ]);
  });
});

function bodyOf({ body }: ReturnType<typeof acknowledgementDraft>): object {
  return { [body.type]: body.value };
}
