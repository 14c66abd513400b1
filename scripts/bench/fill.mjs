/** Grows a stopped node's ledger to so many entries, with cases beside them, without exchanging a message: `fill.mjs CONFIG ENTRIES CASES`. */
import { randomBytes } from 'node:crypto';
import { room } from './rooms.mjs';

const BATCH = 8192;
const [config, entries, cases] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const [{ openNodeStorage }, { loadNodeConfig }, { encodeLedgerEntry }, { newUuid }, { exchangeKeys }] =
  await Promise.all(['node', 'config', 'wire', 'base', 'exchange'].map(room));
const storage = await openNodeStorage(loadNodeConfig(config, {}), undefined);
const { ledger } = storage;
let casesLeft = cases;
while (ledger.size < entries) {
  const count = Math.min(BATCH, entries - ledger.size);
  const share = Math.min(casesLeft, Math.ceil((casesLeft * count) / (entries - ledger.size)));
  casesLeft -= share;
  const time = ledger.entryTime(Date.now());
  const batch = Array.from({ length: count }, (_, i) =>
    encodeLedgerEntry({
      version: 1,
      kind: 'SENT',
      time,
      peer: 'XB',
      message_id: newUuid(time, randomBytes(10)),
      seq: ledger.size + i + 1,
      sealed_digest: new Uint8Array(randomBytes(32)),
      signed_digest: new Uint8Array(randomBytes(32)),
    }),
  );
  await ledger.append(batch, { puts: Array.from({ length: share }, () => caseRecord(time)), deletes: [] });
}
await storage.close();

function caseRecord(time) {
  const id = newUuid(time, randomBytes(10));
  const step = {
    message_id: newUuid(time, randomBytes(10)),
    by: 'XA',
    type: 'assistance_request',
    measures: [{ id: 'm1' }],
  };
  const record = {
    case_id: id,
    requesting: 'XA',
    requested: 'XB',
    state: 'SENT',
    measures: { m1: 'SENT' },
    steps: [step],
  };
  return [exchangeKeys.case(id), new TextEncoder().encode(JSON.stringify(record))];
}
