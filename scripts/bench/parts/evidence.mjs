/** A file of evidence from one node to another: sealed, fetched, proved and compared; beside the floors, and beside age and scp. */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { closeSync, fdatasyncSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { openBulk } from '../bulk.mjs';
import { copiersObjection, openCopiers } from '../copiers.mjs';
import { makeFederation, startProcess } from '../federation.mjs';
import { cpuUs, interleave, median, repeat, round } from '../measure.mjs';
import { inFolder } from '../rooms.mjs';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const PIECE_BYTES = 256 * 1024;
// Source, what the sender keeps, what the receiver keeps, a copy by the others, and room.
const COPIES = 5;

/** @param {{quick: boolean, sizeBytes?: number, isSparse?: boolean, say: (what: string) => void}} options */
export async function run({ quick, sizeBytes, isSparse = false, say }) {
  return inFolder(async (folder) => {
    const { bavail, bsize } = statfsSync(folder);
    const fits = Math.floor((bavail * bsize) / COPIES / MIB) * MIB;
    const wanted = sizeBytes ?? (quick ? 32 * MIB : 4 * GIB);
    const size = Math.min(wanted, fits);
    if (size < wanted) say(`only ${round(size / GIB)} GiB fit on this disk`);
    const rounds = quick ? 1 : 3;
    const source = join(folder, 'source');
    makeSource(source, size, isSparse);
    const floorBytes = Math.min(size, 512 * MIB);
    const objection = copiersObjection();
    if (objection !== undefined) say(`age and scp are left out: ${objection}`);
    for (const name of ['nodes', 'copies', 'floor']) mkdirSync(join(folder, name));
    const [tls, ws] = [await openBulk('tls'), await openBulk('ws')];
    const copiers = objection === undefined ? await openCopiers(join(folder, 'copies'), source) : undefined;
    const pair = await openPair(join(folder, 'nodes'));
    try {
      say(`${rounds} rounds of ${round(size / GIB)} GiB${copiers === undefined ? '' : ', by age and scp too'}`);
      const results = await interleave(
        {
          aes: () => repeat(openPiece(), quick ? 100 : 1000),
          sha: () => repeat(hashPiece(), quick ? 100 : 1000),
          write: () => writeFloor(join(folder, 'floor', 'file'), floorBytes),
          tls: () => tls.send(floorBytes),
          ws: () => ws.send(floorBytes),
          ...(copiers === undefined ? {} : { age: copiers.age, scp: copiers.scp }),
          evidence: () => transfer(pair, source, size),
        },
        rounds,
      );
      return report(results, size);
    } finally {
      await Promise.all([pair.stop(), copiers?.close(), tls.close(), ws.close()]);
      rmSync(source);
    }
  });
}

async function openPair(folder) {
  const configs = await makeFederation(folder, ['XA', 'XB']);
  const [receiver, sender] = await Promise.all(
    ['XA', 'XB'].map((code) => startProcess('evidence-process.mjs', [configs[code]])),
  );
  const { id, caseId } = await receiver.ask({ act: 'request', to: 'XB' });
  await sender.ask({ act: 'begin', to: 'XA', id });
  return { receiver, sender, caseId, stop: () => Promise.all([receiver.stop(), sender.stop()]) };
}

/** One file: taken in, announced, there and proved, compared. */
async function transfer({ receiver, sender, caseId }, path, size) {
  await Promise.all([receiver.ask({ act: 'mark' }), sender.ask({ act: 'mark' })]);
  const begun = performance.now();
  const { item, fileId } = await sender.ask({ act: 'add', caseId, path });
  const addSeconds = (performance.now() - begun) / 1000;
  const { startedAt } = await sender.ask({ act: 'announce', caseId, to: 'XA', item });
  const { at: arrivedAt } = await receiver.ask({ act: 'until', kind: 'EVIDENCE_COMPLETE', fileId });
  await sender.ask({ act: 'until', kind: 'EVIDENCE_HELD', fileId });
  const { at: comparedAt } = await receiver.ask({ act: 'until', kind: 'EVIDENCE_VERIFIED', fileId });
  const totalSeconds = (performance.now() - begun) / 1000;
  const [got, gave] = [await receiver.ask({ act: 'usage' }), await sender.ask({ act: 'usage' })];
  for (const one of [receiver, sender]) await one.ask({ act: 'delete', fileId });
  const megabytes = size / 1e6;
  return {
    addMegabytesPerSecond: megabytes / addSeconds,
    megabytesPerSecond: megabytes / ((arrivedAt - startedAt) / 1000),
    comparedMegabytesPerSecond: megabytes / ((comparedAt - startedAt) / 1000),
    wholeSeconds: totalSeconds,
    receiver: got,
    sender: gave,
  };
}

/** Random bytes are as dear to write as real ones; a sparse file has a size and no content. */
function makeSource(path, size, isSparse) {
  const file = openSync(path, 'w');
  const piece = randomBytes(4 * MIB);
  if (isSparse) writeSync(file, Buffer.of(1), 0, 1, size - 1);
  else
    for (let at = 0; at < size; at += piece.length) {
      piece.writeUIntBE(at, 0, 6);
      writeSync(file, piece, 0, Math.min(piece.length, size - at), at);
    }
  fdatasyncSync(file);
  closeSync(file);
}

function openPiece() {
  const [key, nonce, plain] = [randomBytes(32), randomBytes(12), randomBytes(PIECE_BYTES)];
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = cipher.update(plain);
  cipher.final();
  const tag = cipher.getAuthTag();
  return () => {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
    decipher.setAuthTag(tag);
    decipher.update(sealed);
    decipher.final();
  };
}

function hashPiece() {
  const piece = randomBytes(PIECE_BYTES);
  return () => createHash('sha256').update(piece).digest();
}

function writeFloor(path, bytes) {
  const piece = randomBytes(PIECE_BYTES);
  const [start, cpu] = [performance.now(), cpuUs()];
  const file = openSync(path, 'w');
  for (let at = 0; at < bytes; at += PIECE_BYTES) writeSync(file, piece, 0, PIECE_BYTES, at);
  fdatasyncSync(file);
  closeSync(file);
  const megabytes = bytes / 1e6;
  return {
    megabytesPerSecond: megabytes / ((performance.now() - start) / 1000),
    cpuUsPerMegabyte: (cpuUs() - cpu) / megabytes,
  };
}

function report(results, size) {
  const { aes, sha, write, tls, ws, age, scp, evidence } = results;
  const middle = (list, of) => median(list.map(of));
  const perPiece = PIECE_BYTES / 1e6;
  // What one megabyte costs both ends together: the wire, opening it, hashing it, writing it.
  const ceilings = evidence.map((_, i) => {
    const cost = ws[i].cpuUsPerMegabyte + (aes[i].cpuUs + sha[i].cpuUs) / perPiece + write[i].cpuUsPerMegabyte;
    return (Math.min(2, availableParallelism()) * 1e6) / cost;
  });
  const ours = middle(evidence, (one) => one.megabytesPerSecond);
  const ratio = (list, rate) =>
    list === undefined ? undefined : round(median(evidence.map((one, i) => one.megabytesPerSecond / rate(list[i]))));
  const rateOf = (seconds) => size / 1e6 / seconds;
  const whole = (list) =>
    list === undefined ? undefined : round(median(evidence.map((one, i) => list[i] / one.wholeSeconds)));
  const result = {
    sizeBytes: size,
    megabytesPerSecond: round(ours),
    ceilingMegabytesPerSecond: round(median(ceilings)),
    ratioToCeiling: round(median(evidence.map((one, i) => one.megabytesPerSecond / ceilings[i]))),
    addMegabytesPerSecond: round(middle(evidence, (one) => one.addMegabytesPerSecond)),
    comparedMegabytesPerSecond: round(middle(evidence, (one) => one.comparedMegabytesPerSecond)),
    tlsMegabytesPerSecond: round(middle(tls, (one) => one.megabytesPerSecond)),
    wsMegabytesPerSecond: round(middle(ws, (one) => one.megabytesPerSecond)),
    writeMegabytesPerSecond: round(middle(write, (one) => one.megabytesPerSecond)),
    ageMegabytesPerSecond: age && round(median(age.map(rateOf))),
    scpMegabytesPerSecond: scp && round(median(scp.map(rateOf))),
    ratioToAge: ratio(age, rateOf),
    ratioToScp: ratio(scp, rateOf),
    wholeRatioToAge: whole(age),
    rssGrowthMiB: round(Math.max(...evidence.flatMap((one) => [one.receiver.rssGrowthMiB, one.sender.rssGrowthMiB]))),
    receiverRssMiB: round(Math.max(...evidence.map((one) => one.receiver.rssMiB))),
    senderRssMiB: round(Math.max(...evidence.map((one) => one.sender.rssMiB))),
  };
  return {
    result,
    lines: [
      `transfer    ${result.megabytesPerSecond} MB/s, on disk and proved: ${result.ratioToCeiling} of the ceiling of ${result.ceilingMegabytesPerSecond} MB/s`,
      `            taken in with ${result.addMegabytesPerSecond} MB/s before; compared as well, ${result.comparedMegabytesPerSecond} MB/s`,
      `floors      TLS ${result.tlsMegabytesPerSecond} MB/s, WebSocket ${result.wsMegabytesPerSecond} MB/s, synced writing ${result.writeMegabytesPerSecond} MB/s`,
      age === undefined
        ? 'age, scp    not installed here'
        : `age, scp    ${result.ageMegabytesPerSecond} MB/s and ${result.scpMegabytesPerSecond} MB/s: the transfer is ${result.ratioToAge} × and ${result.ratioToScp} ×; with taking in and comparing ${result.wholeRatioToAge} × age`,
      `memory      grows by ${result.rssGrowthMiB} MiB at most, to ${result.senderRssMiB} MiB (sender) and ${result.receiverRssMiB} MiB (receiver)`,
    ],
  };
}
