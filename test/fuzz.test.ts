/**
 * Every parser of something that another party may have written, fed with what nobody would write: no crash, no stray error, no stall over
 * 50 ms, no growth over 64 MiB.
 */
import { readFileSync } from 'node:fs';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { RogatoryError, utf8ToBytes } from '../src/base/mod.ts';
import { Archive } from '../src/audit/archive.ts';
import { auditBundles, bytesAccess, exportBundle, parsePolicy } from '../src/audit/mod.ts';
import { parseNodeConfig } from '../src/config/mod.ts';
import {
  encodeEntryBundle,
  leafHash,
  MerkleTiles,
  parseCheckpointNote,
  parseEntryBundle,
  parseNote,
  parseVerifierKey,
  verifyInclusionProofText,
} from '../src/ledger/mod.ts';
import { openMessage, verifyMessage } from '../src/sealing/mod.ts';
import {
  draftManifest,
  generateCouncilKey,
  parseManifest,
  signManifest,
  verifyEnrolment,
  verifyManifest,
} from '../src/trust/mod.ts';
import { encodeFrame, parseDraft, parseFrame, parseLedgerEntry, parseMessage, parseReceipt } from '../src/wire/mod.ts';
import { collect } from './kit/bundle.ts';
import { firstSeed, randomOf, type Random } from './kit/random.ts';
import { hex, readVector, type LedgerVector, type MessageVector } from './kit/vectors.ts';
import { bytesToHex, type JurisdictionCode } from '../src/base/mod.ts';

const RUNS = process.env['SLOW'] === '1' ? 60_000 : 2_000;
const STALL_MS = 50;
const GROWTH_BYTES = 64 * 1024 * 1024;
const message = readVector<MessageVector>('valid/message');
const ledger = readVector<LedgerVector>('valid/ledger');
const key = parseVerifierKey(ledger.vkey);
const entries = ledger.entries.map(hex);

const INTERESTING = [0, 1, 7, 8, 9, 10, 13, 32, 34, 45, 47, 58, 127, 128, 255];

/** Changes, removes, repeats, moves or inserts a few bytes. */
function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let out = [...bytes];
  for (let n = random.below(4) + 1; n > 0; n--) {
    const at = random.below(out.length + 1);
    const length = random.below(Math.min(64, out.length - at) + 1);
    switch (random.below(6)) {
      case 0:
        if (at < out.length) out[at] = random.below(256);
        break;
      case 1:
        if (at < out.length) out[at] = INTERESTING[random.below(INTERESTING.length)]!;
        break;
      case 2:
        out.splice(at, length);
        break;
      case 3:
        out.splice(at, 0, ...out.slice(at, at + length));
        break;
      case 4:
        out.splice(at, 0, ...Array.from({ length: random.below(16) }, () => random.below(256)));
        break;
      default:
        out = [...out.slice(at), ...out.slice(0, at)];
    }
  }
  return random.below(500) === 0 ? swell(Uint8Array.from(out), random) : Uint8Array.from(out);
}

/** Repeats a piece thousands of times: what takes a step for each pair of its parts shows in a large input only. */
function swell(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1);
  const piece = Buffer.from(bytes.slice(at, at + 1 + random.below(48)));
  return Buffer.concat([bytes.slice(0, at), Buffer.alloc(piece.length * random.below(4_096), piece), bytes.slice(at)]);
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

async function bundleBytes(): Promise<Uint8Array> {
  const tree = new MerkleTiles(() => Promise.reject(new Error('none')));
  tree.append(entries.map(leafHash));
  const bundle = exportBundle({
    code: 'XA' as JurisdictionCode,
    checkpoint: ledger.checkpoint,
    tile: ({ level, index, width }) =>
      level === 'entries' ? Promise.resolve(encodeEntryBundle(entries)) : tree.tileBytes(level, index, width),
    cosigned: [],
    manifests: [{ version: 1, text: '{}' }],
    proofs: () => Promise.resolve([]),
  });
  return collect(bundle);
}

async function manifestText(): Promise<string> {
  const { privateKey, entry } = generateCouncilKey(1);
  return signManifest(draftManifest({ threshold: 1, keys: [entry] }, 1), privateKey);
}

const PARSERS: readonly (readonly [string, () => Promise<Uint8Array> | Uint8Array, (bytes: Uint8Array) => unknown])[] =
  [
    ['Message', () => hex(message.payload), (bytes) => parseMessage(bytes)],
    ['LedgerEntry', () => entries[1]!, (bytes) => parseLedgerEntry(bytes)],
    ['Receipt', () => new Uint8Array(Buffer.from(ledger.receipt, 'base64url')), (bytes) => parseReceipt(bytes)],
    [
      'Frame',
      () => encodeFrame({ type: 'receipt', value: { entry: entries[1]!, proof: ledger.inclusion.proof } }),
      (bytes) => parseFrame(bytes),
    ],
    ['JWS', () => utf8ToBytes(message.jws), (bytes) => verifyMessage(text(bytes), () => undefined)],
    ['JWE', () => utf8ToBytes(message.jwe), (bytes) => openMessage(text(bytes), () => undefined)],
    ['note', () => utf8ToBytes(ledger.checkpoint), (bytes) => parseNote(text(bytes))],
    ['checkpoint', () => utf8ToBytes(ledger.checkpoint), (bytes) => parseCheckpointNote(text(bytes))],
    ['verifier key', () => utf8ToBytes(ledger.vkey), (bytes) => parseVerifierKey(text(bytes))],
    [
      'proof',
      () => utf8ToBytes(ledger.inclusion.proof),
      (bytes) => verifyInclusionProofText(text(bytes), entries[1]!, key, () => true),
    ],
    ['entry bundle', () => hex(ledger.entry_bundle), (bytes) => parseEntryBundle(bytes)],
    [
      'manifest',
      async () => utf8ToBytes(await manifestText()),
      (bytes) => verifyManifest(text(bytes), { selfSigned: true }),
    ],
    [
      'manifest payload',
      async () =>
        new Uint8Array(Buffer.from((JSON.parse(await manifestText()) as { payload: string }).payload, 'base64url')),
      (bytes) => parseManifest(bytes),
    ],
    [
      'enrolment',
      () => utf8ToBytes('{"version":1,"statement":"{}","certificate":"AAAA","proofs":{"tls":"AA"}}'),
      (bytes) => verifyEnrolment(text(bytes)),
    ],
    ['archive', bundleBytes, (bytes) => Archive.open(bytesAccess(bytes))],
    ['bundle', bundleBytes, (bytes) => auditBundles([{ name: 'x.zip', bytes }])],
    [
      'policy',
      () => utf8ToBytes(`witness a ${ledger.vkey}\ngroup g any a\nquorum g\n`),
      (bytes) => parsePolicy(text(bytes)),
    ],
    ['draft', () => readFileSync('node-config/messages/request.json'), (bytes) => parseDraft(jsonOf(bytes))],
    [
      'configuration',
      () => utf8ToBytes('{"version":1,"code":"XA","name":"x","limits":{"credit":1}}'),
      (bytes) => parseNodeConfig(jsonOf(bytes), '/x', 'x'),
    ],
  ];

/** JSON as far as it goes: the parser under test is the one behind it. */
function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(text(bytes)) as unknown;
  } catch {
    return text(bytes);
  }
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heldBytes(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

/** Milliseconds that one input takes. Whatever else the machine does is not the input's: a slow one has more chances. */
async function timeOf(run: () => unknown): Promise<number> {
  let least = Infinity;
  for (let chance = 0; chance < 8 && least >= STALL_MS; chance++) {
    const [start, busy] = [performance.now(), process.cpuUsage()];
    await run();
    const { user, system } = process.cpuUsage(busy);
    least = Math.min(least, performance.now() - start, (user + system) / 1000);
  }
  return least;
}

describe('mutated input', () => {
  test.each(PARSERS)(
    '%s',
    async (name, original, parse) => {
      const seed = await original();
      const runs = name === 'bundle' || name === 'archive' ? Math.ceil(RUNS / 4) : RUNS;
      collectGarbage();
      const before = heldBytes();
      for (let run = 0; run < runs; run++) {
        const input = mutate(seed, randomOf(firstSeed + run));
        const where = (): string => `${name}, seed ${firstSeed + run}: ${bytesToHex(input.slice(0, 200))}`;
        const held = heldBytes();
        const took = await timeOf(async () => {
          try {
            await parse(input);
          } catch (error) {
            if (!(error instanceof RogatoryError)) throw new Error(where(), { cause: error });
          }
        });
        if (took >= STALL_MS) throw new Error(`${where()} takes ${took} ms`);
        if (heldBytes() - held > GROWTH_BYTES) throw new Error(`${where()} takes ${heldBytes() - held} bytes`);
      }
      collectGarbage();
      expect(heldBytes() - before).toBeLessThan(GROWTH_BYTES);
    },
    RUNS * 20 + 60_000,
  );
});
