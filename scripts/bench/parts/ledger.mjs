/** The ledger alone: appending, proving, verifying and auditing, beside hypercore in the same minutes. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { join } from 'node:path';
import Hypercore from 'hypercore';
import { interleave, median, repeat, round } from '../measure.mjs';
import { inFolder, room } from '../rooms.mjs';

// Hypercore keeps the blocks that it is given, so it is given what a ledger entry and the message beside it weigh together.
const BODY_BYTES = 3072;
const BATCHES = [1, 32, 256];
const MESSAGE_ID = '019b0000-0000-7000-8000-000000000001';

/** @param {{quick: boolean, say: (what: string) => void}} options */
export function run({ quick, say }) {
  return inFolder(async (folder) => {
    const [rounds, turnMs, auditEntries] = quick ? [1, 100, 2000] : [5, 700, 100_000];
    const own = await openLedger(join(folder, 'ledger'));
    const hypercore = new Hypercore(join(folder, 'hypercore'));
    await hypercore.ready();
    try {
      const turns = {};
      for (const size of BATCHES) {
        turns[`append${size}`] = () => repeat(() => own.append(size), turnMs, size);
        turns[`hypercore${size}`] = () => repeat(() => hypercore.append(blocks(size)), turnMs, size);
      }
      say(`${rounds} rounds of appending, proving and verifying`);
      const appended = await interleave(turns, rounds);
      const proved = own.ledger.size;
      const proving = await proofs(own, rounds, turnMs);
      say(`auditing ${auditEntries} entries`);
      const audited = await audit(own, auditEntries);
      return report(appended, proved, proving, audited);
    } finally {
      await hypercore.close();
      await own.close();
    }
  });
}

async function openLedger(folder) {
  const [{ KEY_TYPES, Ledger, verifierKey }, { openLevelStore, sealStore }, { encodeLedgerEntry }] = await Promise.all([
    room('ledger'),
    room('store'),
    room('wire'),
  ]);
  const pair = generateKeyPairSync('ed25519');
  const publicKey = new Uint8Array(Buffer.from(pair.publicKey.export({ format: 'jwk' }).x, 'base64url'));
  const key = verifierKey('bench.example/ledger', KEY_TYPES.ed25519, publicKey);
  const store = sealStore(await openLevelStore(join(folder, 'store')), randomBytes(32));
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
  const entry = () =>
    encodeLedgerEntry({
      version: 1,
      kind: 'SENT',
      time: 1_700_000_000_000 + seq,
      peer: 'XB',
      message_id: MESSAGE_ID,
      seq: ++seq,
      sealed_digest: new Uint8Array(randomBytes(32)),
      signed_digest: new Uint8Array(randomBytes(32)),
    });
  return {
    key,
    ledger,
    publicKey: pair.publicKey,
    // Durable, encrypted at rest, and with the message that the entry is about: what a node does.
    append: (count) => {
      const puts = blocks(count).map((body, i) => [`sealed/${seq + i}`, new Uint8Array(body)]);
      return ledger.append(Array.from({ length: count }, entry), { puts, deletes: [] });
    },
    appendEntries: (count) => ledger.append(Array.from({ length: count }, entry), { puts: [], deletes: [] }),
    close: async () => {
      await ledger.close();
      await store.close();
    },
  };
}

function blocks(count) {
  const random = randomBytes(BODY_BYTES * count);
  return Array.from({ length: count }, (_, i) => random.subarray(i * BODY_BYTES, (i + 1) * BODY_BYTES));
}

async function proofs({ ledger, key }, rounds, turnMs) {
  const { leafHash, verifyInclusion, verifyInclusionProofText, parseCheckpointNote } = await room('ledger');
  const indices = Array.from({ length: 4096 }, () => Math.floor(Math.random() * ledger.size));
  const receipts = await Promise.all(indices.slice(0, 512).map((index) => ledger.receipt(index)));
  const claims = receipts.map(({ entry, proof }) => claimOf(entry, proof, leafHash, parseCheckpointNote));
  let next = 0;
  const turn = (list, act) => () =>
    repeat(
      async () => {
        for (let i = 0; i < 64; i++) await act(list[next++ % list.length]);
      },
      turnMs,
      64,
    );
  return interleave(
    {
      // With the entry it is about, from the store: what a receipt is.
      receipt: turn(indices, (index) => ledger.receipt(index)),
      // The newest, as a batch that was just written proves them.
      newest: turn([...Array(64).keys()], (index) => ledger.receipt(ledger.size - 1 - index)),
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
  while (own.ledger.size < entries) await own.appendEntries(Math.min(4096, entries - own.ledger.size));
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

function report(appended, proved, proving, audited) {
  const rate = (rounds) => median(rounds.map(({ perSecond }) => perSecond));
  const append = Object.fromEntries(
    BATCHES.map((size) => {
      const [own, hypercore] = [rate(appended[`append${size}`]), rate(appended[`hypercore${size}`])];
      const ratio = median(
        appended[`append${size}`].map((one, i) => one.perSecond / appended[`hypercore${size}`][i].perSecond),
      );
      return [
        size,
        { entriesPerSecond: round(own), hypercorePerSecond: round(hypercore), ratioToHypercore: round(ratio) },
      ];
    }),
  );
  const result = {
    append,
    provedEntries: proved,
    receiptsPerSecond: round(rate(proving.receipt)),
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
      ...BATCHES.map((size) => {
        const { entriesPerSecond, hypercorePerSecond, ratioToHypercore } = append[size];
        return `append ${String(size).padStart(3)}   ${entriesPerSecond} entries/s on disk, hypercore ${hypercorePerSecond}/s without syncing: ${ratioToHypercore}`;
      }),
      `receipts     ${result.receiptsPerSecond}/s anywhere among ${proved} entries, ${result.newestReceiptsPerSecond}/s of the newest`,
      `verify       ${result.verificationsPerSecond} inclusion paths/s; ${result.fullVerificationsPerSecond}/s from text with the checkpoint's signature`,
      `audit        ${audited.entries} entries in ${result.audit.seconds} s; ${result.audit.secondsForAMillion} s of CPU for a million; memory grew ${result.audit.rssGrowthMiB} MiB`,
    ],
  };
}
