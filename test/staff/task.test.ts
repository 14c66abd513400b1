/** Agencies: each sees the tasks that it was given, the measures and the files that they name, and nothing else. */
import { expect, test, vi } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import type { EvidenceAnswer } from '../../src/exchange/mod.ts';
import type { AccessLog, DraftRecord, TaskRecord, TaskView } from '../../src/staff/mod.ts';
import { parseDraft, parseLedgerEntry } from '../../src/wire/mod.ts';
import { filesUnder, findTexts } from '../kit/canary.ts';
import { exportedBundle } from '../kit/bundle.ts';
import { acknowledgementDraft, requestFile } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';
import { Office, codeOfFailure } from '../kit/office.ts';

// Hundreds of requests, each with its record on disk before it is answered.
vi.setConfig({ testTimeout: 240_000 });

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const text = (words: string): object => ({ lang: 'en', text: words });

async function* bytes(words: string): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(Buffer.from(words));
}

test('an executing case gives agencies their parts, and their answers come back into it', async () => {
  const federation = await copyTestFederation([XA, XB]);
  const office = await (await Office.open(federation, XB)).staff();
  await office.add('officer', ['AGENCY'], { agency: { kind: 'POLICE', unit: 'Division 4' } });
  await office.add('colleague', ['AGENCY'], { agency: { kind: 'POLICE', unit: 'Division 9' } });
  await office.add('examiner', ['AGENCY'], { agency: { kind: 'FINANCIAL_REGULATOR', unit: 'Supervision' } });
  const peer = await startNode(federation, XA);
  await until(() => office.node.transport.connections()[0]!.connected, 60_000);

  const { assistance_request: asked } = requestFile() as { assistance_request: { measures: { id: string }[] } };
  const second = { ...asked.measures[0]!, id: 'm2', description: text('The second measure, for others.') };
  const request = { assistance_request: { ...asked, measures: [...asked.measures, second] } };
  const sent = await peer.exchange.send(parseDraft(request), XB);
  const [id, caseId] = [sent.message_id, sent.case_id!];
  await peer.exchange.answerOf(id, 30_000);
  for (const person of ['executor', 'reviewer', 'approver'])
    await office.as('registrar').post(`cases/${caseId}/assign`, { person });
  expect(await codeOfFailure(office.as('registrar').post(`cases/${caseId}/assign`, { person: 'officer' }))).toBe(
    'STAFF_INVALID',
  );
  const order = (change: object = {}): Promise<TaskRecord> =>
    office.as('executor').post<TaskRecord>('tasks', {
      case_id: caseId,
      agency: 'POLICE',
      instructions: 'Find out who holds the account.',
      measure_ids: ['m1'],
      ...change,
    });
  // Nothing executes here without this authority's own decision.
  expect(await codeOfFailure(order())).toBe('STAFF_INVALID');
  // What is for the eyes of its recipients alone goes to no agency, and that it was tried is in the ledger.
  const red = { assistance_request: { ...asked, handling: { tlp: 'RED' } } };
  const secret = await peer.exchange.send(parseDraft(red), XB);
  await peer.exchange.answerOf(secret.message_id, 30_000);
  const sizeBefore = office.node.storage.ledger.size;
  expect(await codeOfFailure(order({ case_id: secret.case_id }))).toBe('STAFF_CASE_NOT_ASSIGNED');
  await office.as('registrar').post(`cases/${secret.case_id}/assign`, { person: 'executor' });
  expect(await codeOfFailure(order({ case_id: secret.case_id }))).toBe('EXCHANGE_WITHHELD');
  const { ledger } = office.node.storage;
  const since = Array.from({ length: ledger.size - sizeBefore }, (_, at) => ledger.entry(sizeBefore + at));
  expect((await Promise.all(since)).map(parseLedgerEntry).filter(({ kind }) => kind === 'WITHHELD')).toMatchObject([
    { message_id: secret.message_id, detail: { value: { rule: 'HANDLING_RED', purpose: 'AGENCY' } } },
  ]);
  const send = async (by: string, draft: object): Promise<void> => {
    const made = await office.as(by).post<DraftRecord>('drafts', { to: XA, draft });
    await office.as('approver').post(`drafts/${made.draft_id}/approve`, { wait_ms: 30_000 });
  };
  await send('reviewer', { in_reply_to: id, acknowledge_receipt: acknowledgementDraft(id).body.value });
  const decided = (measure: string): object => ({ measure_id: measure, outcome: 'ACCEPT' });
  const authority = { name: 'Court of Brethen', country: 'XB' };
  await send('reviewer', {
    in_reply_to: id,
    review_decision: { outcome: 'ACCEPT', measures: [decided('m1'), decided('m2')], authority },
  });
  await send('executor', {
    in_reply_to: id,
    execution_started: {
      measure_ids: ['m1', 'm2'],
      executing: authority,
      started_on: new Date().toISOString().slice(0, 10),
    },
  });

  const add = (words: string): Promise<EvidenceAnswer> =>
    office.as('executor').postStream(`evidence?case=${caseId}&name=${words}.txt&type=text/plain`, bytes(words));
  const [shown, hidden] = [await add('shown'), await add('hidden')];
  for (const wrong of [{ measure_ids: ['m3'] }, { file_ids: [id] }, { agency: 'ARMY' }, { due: 'soon' }])
    expect(await codeOfFailure(order(wrong))).toBe('STAFF_INVALID');
  const byReviewer = { case_id: caseId, agency: 'POLICE', instructions: 'x', measure_ids: ['m1'] };
  expect(await codeOfFailure(office.as('reviewer').post('tasks', byReviewer))).toBe('STAFF_ROLE_MISSING');
  const task = await order({ file_ids: [shown.file_id] });
  const other = await order({ agency: 'FINANCIAL_REGULATOR', measure_ids: ['m2'] });

  const officer = office.as('officer');
  const listed = await officer.get<TaskRecord[]>('tasks');
  expect(listed.map(({ task_id: each }) => each)).toEqual([task.task_id]);
  const read = await officer.get<TaskView>(`tasks/${task.task_id}`);
  expect(read.measures).toMatchObject([{ id: 'm1' }]);
  expect(JSON.stringify(read)).not.toContain('The second measure');
  expect(await officer.getBytes(`evidence/${shown.file_id}/content`)).toEqual(Buffer.from('shown'));
  const refused: readonly (readonly [string, string])[] = [
    [`evidence/${hidden.file_id}/content`, 'STAFF_UNKNOWN'],
    [`tasks/${other.task_id}`, 'STAFF_UNKNOWN'],
    [`messages/${id}`, 'STAFF_ROLE_MISSING'],
    [`cases/${caseId}`, 'STAFF_ROLE_MISSING'],
    ['messages', 'STAFF_ROLE_MISSING'],
    ['cases', 'STAFF_ROLE_MISSING'],
    ['drafts', 'STAFF_ROLE_MISSING'],
    ['evidence', 'STAFF_ROLE_MISSING'],
    ['access-log', 'STAFF_ROLE_MISSING'],
  ];
  for (const [path, code] of refused) expect(await codeOfFailure(officer.get(path))).toBe(code);

  const upload = (by: string, of: TaskRecord, name: string): Promise<EvidenceAnswer> =>
    office.as(by).postStream(`evidence?case=${caseId}&task=${of.task_id}&name=${name}`, bytes(name));
  expect(await codeOfFailure(upload('examiner', task, 'a'))).toBe('STAFF_UNKNOWN');
  expect(await codeOfFailure(officer.postStream(`evidence?case=${caseId}&name=a`, bytes('a')))).toBe('STAFF_UNKNOWN');
  const query = `task=${task.task_id}&case=${caseId}`;
  expect(await codeOfFailure(officer.post(`evidence/${hidden.file_id}/verify?${query}`, {}))).toBe(
    'STAFF_ROLE_MISSING',
  );
  const exhibit = officer.postStream(`evidence?${query}&name=a&item=x`, bytes('a'));
  expect(await codeOfFailure(exhibit)).toBe('STAFF_ROLE_MISSING');
  const found = await upload('officer', task, 'found');
  const reply = (by: string, of: TaskRecord, file: string): Promise<string> =>
    codeOfFailure(
      office.as(by).post(`tasks/${of.task_id}/answer`, { text: 'J. Invented holds it.', file_ids: [file] }),
    );
  expect(await reply('examiner', task, found.file_id)).toBe('STAFF_UNKNOWN');
  expect(await reply('executor', task, found.file_id)).toBe('STAFF_ROLE_MISSING');
  expect(await reply('officer', task, id)).toBe('STAFF_INVALID');
  // What an agency writes is read at the office's terminals.
  const control = officer.post(`tasks/${task.task_id}/answer`, { text: 'Held.\u001b[2J\u009b31m' });
  expect(await codeOfFailure(control)).toBe('STAFF_INVALID');
  expect(await reply('officer', task, found.file_id)).toBe('nothing failed');
  expect(await reply('colleague', task, found.file_id)).toBe('STAFF_ALREADY_DECIDED');
  expect(await codeOfFailure(upload('officer', task, 'late'))).toBe('STAFF_ALREADY_DECIDED');
  // What a task was given is needed until it is done.
  expect(await codeOfFailure(officer.getBytes(`evidence/${shown.file_id}/content`))).toBe('STAFF_UNKNOWN');
  const answered = await office.as('executor').get<TaskView>(`tasks/${task.task_id}`);
  expect(answered.answer).toMatchObject({ text: 'J. Invented holds it.', by: 'officer', unit: 'Division 4' });
  expect(await codeOfFailure(office.as('drafter').get(`tasks/${task.task_id}`))).toBe('STAFF_ROLE_MISSING');
  await office.as('registrar').post(`cases/${caseId}/assign`, { person: 'executor', remove: true });
  expect(await codeOfFailure(office.as('executor').get(`tasks/${task.task_id}`))).toBe('STAFF_UNKNOWN');
  const log = await office.as('auditor').get<AccessLog>('access-log?person=officer');
  expect(log.lines.filter(({ refused: code }) => code !== undefined).length).toBeGreaterThan(refused.length);
});

test('no entry, bundle, key or file at rest says who anybody is', async () => {
  const office = await Office.open(await copyTestFederation([XA, XB]), XA);
  const names = ['zqhale', 'zqfeld', 'Invented Zqperson'];
  await office.add('registrar', ['REGISTRAR'], { person: names[0]!, name: names[2]! });
  await office.add(names[1]!, ['DRAFTER'], { name: names[2]! });
  await office.as(names[1]!).post('drafts', { to: XB, draft: requestFile() });
  expect(await codeOfFailure(office.as(names[1]!).get('staff'))).toBe('STAFF_ROLE_MISSING');
  expect(await codeOfFailure(office.as(names[1]!).get('messages'))).toBe('nothing failed');
  expect(findTexts(await exportedBundle(office.node), names)).toEqual([]);
  await office.node.storage.ledger.publish();
  for (const { path, bytes: content } of filesUnder(office.dir))
    expect({ path, found: findTexts(content, names) }).toEqual({ path, found: [] });
});
