/** The ledger alone: appending, proving, verifying and auditing, beside hypercore in the same minutes. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { join } from 'node:path';
import Hypercore from 'hypercore';
import { interleave, median, repeat, round } from '../measure.mjs';
import { inFolder, room } from '../rooms.mjs';

// Hypercore keeps the blocks that it is given, so it is given what a ledger entry and the message beside it weigh together. Beside that, the
// ledger by itself: entries without a message, and the very same entries as blocks. Both are made beforehand: to encode what is appended
// is the work of neither.
const BODY_BYTES = 3072;
const BATCHES = [1, 32, 256];
const STOCK = 8192;
const MESSAGE_ID = '019b0000-0000-7000-8000-000000000001';

/** @param {{quick: boolean, say: (what: string) => void}} options */
export function run({ quick, say }) {
  return inFolder(async (folder) => {
    const [rounds, turnMs, auditEntries] = quick ? [1, 100, 2000] : [5, 700, 1_000_000];
    const own = await openLedger(join(folder, 'ledger'));
    const hypercore = new Hypercore(join(folder, 'hypercore'));
    const short = new Hypercore(join(folder, 'hypercore-short'));
    await Promise.all([hypercore.ready(), short.ready()]);
    try {
      const turns = {};
      const turn = (act, size) => {
        writeBack(folder);
        return repeat(act, turnMs, size);
      };
      for (const size of BATCHES) {
        turns[`append${size}`] = () => turn(() => own.append(size), size);
        turns[`hypercore${size}`] = () => turn(() => hypercore.append(blocks(size, BODY_BYTES)), size);
        const stock = own.entries(STOCK);
        const [next, same] = [inBatches(stock, size), inBatches(stock, size)];
        turns[`entries${size}`] = () => turn(() => own.appendEntries(next()), size);
        turns[`short${size}`] = () => turn(() => short.append(same()), size);
      }
      say(`${rounds} rounds of appending, proving and verifying`);
      const appended = await interleave(turns, rounds);
      const proved = own.ledger.size;
      const proving = await proofs(own, rounds, turnMs);
      say(`auditing ${auditEntries} entries`);
      const audited = await audit(own, auditEntries);
      const full = await interleave({ receipt: anywhere(own, turnMs) }, rounds);
      return report(appended, { proved, ...proving }, { audited, receipt: full.receipt });
    } finally {
      await Promise.all([hypercore.close(), short.close()]);
      await own.close();
    }
  });
}

async function openLedger(folder) {
  const [{ KEY_TYPES, Ledger, verifierKey }, { openStore }, { encodeLedgerEntry }] = await Promise.all([
    room('ledger'),
    room('store'),
    room('wire'),
  ]);
  const pair = generateKeyPairSync('ed25519');
  const publicKey = new Uint8Array(Buffer.from(pair.publicKey.export({ format: 'jwk' }).x, 'base64url'));
  const key = verifierKey('bench.example/ledger', KEY_TYPES.ed25519, publicKey);
  const store = await openStore(join(folder, 'store'), randomBytes(32));
  const ledger = await Ledger.create({
    storage: store,
    key,
    sign: (message) => new Uint8Array(sign(null, message, pair.privateKey)),
    headFile: join(folder, 'head'),
    folder: join(folder, 'files'),
    onPublishError: (error) => {
      throw error;
    },
  });
  let seq = 0;
  // What a message's digests are is not the ledger's work: they are cut out of the bytes that were drawn for the bodies.
  const entry = (random) =>
    encodeLedgerEntry({
      version: 1,
      kind: 'SENT',
      time: 1_700_000_000_000 + seq,
      peer: 'XB',
      message_id: MESSAGE_ID,
      seq: ++seq,
      sealed_digest: random.subarray(0, 32),
      signed_digest: random.subarray(32, 64),
    });
  return {
    key,
    ledger,
    publicKey: pair.publicKey,
    entries: (count) => blocks(count, 64).map(entry),
    // Durable, encrypted at rest, and with the message that the entry is about: what a node does.
    append: (count) => {
      const bodies = blocks(count, BODY_BYTES);
      const puts = bodies.map((body, i) => [bodyKey(seq + i), body]);
      return ledger.append(bodies.map(entry), { puts, deletes: [] });
    },
    appendEntries: (entries) => ledger.append(entries, { puts: [], deletes: [] }),
    close: async () => {
      await ledger.close();
      await store.close();
    },
  };
}

/** What one contestant has left to the system to write is not written, in part, by the flushes of the next. */
function writeBack(folder) {
  execFileSync('sync', ['-f', folder]);
}

/** Gives a stock out batch by batch, over and over. */
function inBatches(stock, size) {
  let at = 0;
  return () => {
    if (at + size > stock.length) at = 0;
    at += size;
    return stock.slice(at - size, at);
  };
}

// A node keeps a message under its id, which begins with its time.
function bodyKey(number) {
  return `sealed/019b0000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
}

function blocks(count, bytes) {
  const random = randomBytes(bytes * count);
  return Array.from({ length: count }, (_, i) => random.subarray(i * bytes, (i + 1) * bytes));
}

async function proofs({ ledger, key }, rounds, turnMs) {
  const { leafHash, verifyInclusion, verifyInclusionProofText, parseCheckpointNote } = await room('ledger');
  const receipts = await Promise.all(indicesIn(ledger, 512).map((index) => ledger.receipt(index)));
  const claims = receipts.map(({ entry, proof }) => claimOf(entry, proof, leafHash, parseCheckpointNote));
  let next = 0;
  return interleave(
    {
      // With the entry it is about, from the store: what a receipt is.
      receipt: anywhere({ ledger }, turnMs),
      // The newest, as a batch that was just written proves them.
      newest: inTurn([...Array(64).keys()], turnMs, (index) => ledger.receipt(ledger.size - 1 - index)),
      // The path alone, under a checkpoint that was verified before.
      verify: () =>
        repeat(
          () => {
            for (const claim of claims) if (!verifyInclusion(claim)) throw new Error('does not verify');
          },
          turnMs,
          claims.length,
        ),
      // From text, with the signature of the checkpoint, by the auditor's own Ed25519.
      verifyText: () =>
        repeat(() => {
          const { entry, proof } = receipts[next++ % receipts.length];
          if (!verifyInclusionProofText(proof, entry, key).ok) throw new Error('does not verify');
        }, turnMs),
    },
    rounds,
  );
}

function anywhere({ ledger }, turnMs) {
  return inTurn(indicesIn(ledger, 16_384), turnMs, (index) => ledger.receipt(index));
}

function indicesIn(ledger, count) {
  return Array.from({ length: count }, () => Math.floor(Math.random() * ledger.size));
}

function inTurn(list, turnMs, act) {
  let next = 0;
  return () =>
    repeat(
      async () => {
        for (let i = 0; i < 64; i++) await act(list[next++ % list.length]);
      },
      turnMs,
      64,
    );
}

function claimOf(entry, proof, leafHash, parseCheckpointNote) {
  const split = proof.indexOf('\n\n');
  const [, indexLine, ...hashes] = proof.slice(0, split).split('\n');
  const { size, root } = parseCheckpointNote(proof.slice(split + 2));
  const path = hashes.map((text) => new Uint8Array(Buffer.from(text, 'base64')));
  return { index: Number(indexLine.slice('index '.length)), size, leaf: leafHash(entry), path, root };
}

/** Fills the ledger up, then hashes all of it again from its published files, as an auditor does. */
async function audit(own, entries) {
  const { MerkleTiles, leafHash, parseEntryBundle, TILE_WIDTH } = await room('ledger');
  while (own.ledger.size < entries) await own.appendEntries(own.entries(Math.min(4096, entries - own.ledger.size)));
  const { size, root } = own.ledger.checkpoint;
  const rssBefore = process.memoryUsage.rss();
  const start = performance.now();
  const cpu = process.cpuUsage();
  const tree = new MerkleTiles(() => Promise.reject(new Error('nothing is read back')));
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
    const bundle = await own.ledger.tile({ level: 'entries', index, width });
    tree.append(parseEntryBundle(bundle).map(leafHash));
  }
  if (Buffer.compare(Buffer.from(await tree.rootAt()), Buffer.from(root)) !== 0) throw new Error('another root');
  const { user, system } = process.cpuUsage(cpu);
  return {
    entries: size,
    seconds: (performance.now() - start) / 1000,
    cpuUs: (user + system) / size,
    rssGrowthMiB: (process.memoryUsage.rss() - rssBefore) / 2 ** 20,
  };
}

function report(appended, proving, { audited, receipt }) {
  const rate = (rounds) => median(rounds.map(({ perSecond }) => perSecond));
  const cpu = (rounds) => round(median(rounds.map(({ cpuUs }) => cpuUs)));
  const beside = (own, other) =>
    Object.fromEntries(
      BATCHES.map((size) => {
        const [ours, theirs] = [appended[own + size], appended[other + size]];
        const ratio = median(ours.map((one, i) => one.perSecond / theirs[i].perSecond));
        return [
          size,
          {
            entriesPerSecond: round(rate(ours)),
            hypercorePerSecond: round(rate(theirs)),
            ratioToHypercore: round(ratio),
            cpuUsPerEntry: cpu(ours),
            hypercoreCpuUsPerEntry: cpu(theirs),
          },
        ];
      }),
    );
  const append = beside('append', 'hypercore');
  const appendEntries = beside('entries', 'short');
  const result = {
    append,
    appendEntries,
    provedEntries: proving.proved,
    receiptsPerSecond: round(rate(proving.receipt)),
    receiptsPerSecondOfAll: round(rate(receipt)),
    receiptCpuUsOfAll: cpu(receipt),
    newestReceiptsPerSecond: round(rate(proving.newest)),
    verificationsPerSecond: round(rate(proving.verify)),
    fullVerificationsPerSecond: round(rate(proving.verifyText)),
    audit: {
      entries: audited.entries,
      seconds: round(audited.seconds),
      secondsForAMillion: round(audited.cpuUs),
      rssGrowthMiB: round(audited.rssGrowthMiB),
    },
  };
  return {
    result,
    lines: [
      ...linesOf('append ', append, 'on disk with their messages'),
      ...linesOf('entries', appendEntries, 'on disk, alone'),
      `receipts     ${result.receiptsPerSecond}/s anywhere among ${proving.proved} entries, ${result.newestReceiptsPerSecond}/s of the newest; ${result.receiptsPerSecondOfAll}/s anywhere among ${audited.entries}`,
      `verify       ${result.verificationsPerSecond} inclusion paths/s; ${result.fullVerificationsPerSecond}/s from text with the checkpoint's signature`,
      `audit        ${audited.entries} entries in ${result.audit.seconds} s; ${result.audit.secondsForAMillion} s of CPU for a million; memory grew ${result.audit.rssGrowthMiB} MiB`,
    ],
  };
}

function linesOf(name, table, what) {
  return BATCHES.map((size) => {
    const { entriesPerSecond, hypercorePerSecond, ratioToHypercore, cpuUsPerEntry, hypercoreCpuUsPerEntry } =
      table[size];
    return (
      `${name} ${String(size).padStart(3)}  ${entriesPerSecond} entries/s ${what}, hypercore ${hypercorePerSecond}/s without syncing: ` +
      `${ratioToHypercore}; CPU ${cpuUsPerEntry} and ${hypercoreCpuUsPerEntry} µs`
    );
  });
}
