import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { bytesToHex, utf8ToBytes } from '../../src/base/mod.ts';
import {
  BODY_TYPES,
  MAX_FRAME_BYTES,
  WireError,
  bodyTypeName,
  encodeFrame,
  encodeLedgerEntry,
  encodeMessage,
  encodeProtobuf,
  padmeSize,
  parseDraft,
  parseFrame,
  parseJson,
  parseLedgerEntry,
  parseMessage,
  parseProtobuf,
  toJson,
  type BodyType,
} from '../../src/wire/mod.ts';
import { messageSchema } from '../../src/wire/schema.ts';
import { fullDraft, fullMessage } from '../kit/canary.ts';
import { bitFlips } from '../kit/mutation.ts';
import { fc } from '../kit/property.ts';
import { hex, readVector, type LedgerVector, type MessageVector } from '../kit/vectors.ts';
import { readFileSync } from 'node:fs';

const vector = readVector<MessageVector>('valid/message');
const ledger = readVector<LedgerVector>('valid/ledger');
const payload = hex(vector.payload);
const codeOf = (act: () => unknown): string => {
  try {
    act();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return error.code;
  }
};

const REFERENCE = reference();
const { padding: _padding, ...HEADER } = vector.message['header'] as Record<string, unknown>;

/** Protobuf by hand. */
const tag = (id: number, type: number): number[] => varint(id * 8 + type);
const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
const text = (id: number, value: string): number[] => [
  ...tag(id, 2),
  ...varint(utf8ToBytes(value).length),
  ...utf8ToBytes(value),
];
const number = (id: number, value: number): number[] => [...tag(id, 0), ...varint(value)];

describe('messages', () => {
  test('the vector is read, and written again byte for byte', () => {
    const message = parseMessage(payload);
    expect(toJson('Message', { header: { ...message.header, padding: undefined }, body: message.body })).toEqual(
      vector.message,
    );
    expect(bytesToHex(encodeMessage(message))).toBe(vector.payload);
  });

  test('a changed bit is either refused or another message: never the same one in another spelling', () => {
    let accepted = 0;
    for (const flipped of bitFlips(payload)) {
      if (codeOf(() => parseMessage(flipped)) !== 'accepted') continue;
      accepted++;
      const { header, body } = parseMessage(flipped);
      const again = encodeProtobuf('Message', {
        header: { ...header, padding: parseProtobuf('Message', flipped, 1e6).header.padding },
        body,
      });
      expect(bytesToHex(again)).toBe(bytesToHex(flipped));
    }
    // Letters of free text can change; most other bits cannot.
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(payload.length * 4);
  });

  test('every cut and every added byte is refused', () => {
    for (let length = 0; length < payload.length; length++)
      expect(codeOf(() => parseMessage(payload.subarray(0, length)))).not.toBe('accepted');
    expect(codeOf(() => parseMessage(Uint8Array.from([...payload, 0])))).toBe('WIRE_MALFORMED');
  });

  test('payloads have Padmé sizes', () => {
    expect([0, 1, 2, 3, 9, 100, 1000, 1025, 65_537].map(padmeSize)).toEqual([0, 1, 2, 3, 10, 104, 1024, 1088, 67_584]);
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 1_000_000 }), (length) => {
        const size = padmeSize(length);
        expect(size).toBeGreaterThanOrEqual(length);
        expect(size).toBeLessThanOrEqual(length * 1.12 + 1);
        expect(padmeSize(size)).toBe(size);
      }),
    );
    const message = parseMessage(payload);
    for (let length = 1; length < 300; length++) {
      const value = { ...(message.body.value as object), local_ref: 'x'.repeat(length) };
      const { length: size } = encodeMessage({
        ...message,
        body: { type: 'acknowledge_receipt', value: value as never },
      });
      expect(padmeSize(size)).toBe(size);
    }
  });

  test('T12: too long is refused unread', () => {
    expect(codeOf(() => parseMessage(new Uint8Array(524_289)))).toBe('WIRE_TOO_LARGE');
    expect(codeOf(() => parseFrame(new Uint8Array(MAX_FRAME_BYTES + 1)))).toBe('WIRE_TOO_LARGE');
  });
});

describe('the one encoding (T09, T11)', () => {
  // Limits{max_message_bytes = 1, max_evidence_bytes = 2, credit = 3}
  const limits = (bytes: readonly number[]): string =>
    codeOf(() => parseProtobuf('Limits', Uint8Array.from(bytes), 100));
  const right = [...number(1, 4096), ...number(3, 16)];

  test('is accepted', () => {
    expect(limits(right)).toBe('accepted');
  });

  test.each([
    ['unknown field', [...right, ...number(99, 1)]],
    ['unknown long field', [...right, ...text(15, 'x')]],
    ['twice', [...number(1, 4096), ...number(1, 4096), ...number(3, 16)]],
    ['out of order', [...number(3, 16), ...number(1, 4096)]],
    ['a default written out', [...number(1, 4096), ...number(2, 0), ...number(3, 16)]],
    ['overlong number', [...tag(1, 0), 0x80 + 1, 0x80, 0x00, ...number(3, 16)]],
    ['overlong tag', [0x88, 0x00, 0x01, ...number(3, 16)]],
    ['beyond 32 bits', [...number(1, 2 ** 32), ...number(3, 16)]],
    [
      'beyond 2^53',
      [...number(1, 4096), ...tag(2, 0), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, ...number(3, 16)],
    ],
    ['negative', [...number(1, 4096), ...tag(2, 0), ...new Array<number>(9).fill(0xff), 1, ...number(3, 16)]],
    ['wrong wire type', [...tag(1, 2), 1, 1, ...number(3, 16)]],
    ['fixed 32', [...tag(1, 5), 1, 0, 0, 0, ...number(3, 16)]],
    ['group', [...tag(1, 3), ...tag(1, 4)]],
    ['field 0', [0, 1]],
    ['cut in a number', [...right, 0x80]],
  ])('nothing else is: %s', (_name, bytes) => {
    expect(limits(bytes)).toBe('WIRE_MALFORMED');
  });

  test('text that is not UTF-8 and enum values without a name are refused', () => {
    const badText = [...tag(1, 2), 2, 0xc0, 0x80];
    expect(codeOf(() => parseProtobuf('Authority', Uint8Array.from([...badText, ...text(2, 'XA')]), 100))).toBe(
      'WIRE_MALFORMED',
    );
    const estimate = (value: number): Uint8Array => Uint8Array.from([...number(1, value), ...text(2, '2026-03-31')]);
    expect(codeOf(() => parseProtobuf('ClockEstimate', estimate(1), 100))).toBe('accepted');
    expect(codeOf(() => parseProtobuf('ClockEstimate', estimate(77), 100))).toBe('WIRE_MALFORMED');
  });

  test('T12: ten million elements cost their bytes and no more', () => {
    const flood = new Uint8Array(1_000_000).fill(0x0a);
    // The quickest of a few: a busy machine may stop a process for longer than that.
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      expect(codeOf(() => parseProtobuf('Handling', flood, 2_000_000))).toBe('WIRE_MALFORMED');
      return performance.now() - start;
    });
    expect(Math.min(...times)).toBeLessThan(50);
  });

  test('nothing of random bytes brings the parser down', () => {
    const types = ['Message', 'Frame', 'LedgerEntry', 'Receipt', 'Draft'] as const;
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 200 }), (type, bytes) => {
        codeOf(() => parseProtobuf(type, bytes, 1000));
      }),
      { numRuns: process.env['SLOW'] === '1' ? 200_000 : 5000 },
    );
  });

  test.each(BODY_TYPES)(
    'protobufjs, which reads the .proto files themselves, finds the same in a %s, and writes the same',
    (type) => {
      const { json } = fullMessage(bodyTypeName(type));
      for (const variant of [json, ...oneofVariants(type)]) {
        const { body } = fullDraft(type, variant);
        const message = parseJson('Message', {
          header: HEADER,
          ...toJson('Draft', { body, expires_at: 0, draws_on: [] }),
        });
        const bytes = encodeProtobuf('Message', message);
        const theirs = REFERENCE.decode(bytes);
        expect(bytesToHex(REFERENCE.encode(theirs).finish())).toBe(bytesToHex(bytes));
        expect(plainOf(REFERENCE, REFERENCE.toObject(theirs, { longs: Number }))).toEqual(toJson('Message', message));
      }
    },
  );

  test('a trusted value is written and read as itself', () => {
    const draft = readSample();
    const bytes = encodeProtobuf('Draft', draft);
    expect(parseProtobuf('Draft', bytes, 1e6)).toEqual(draft);
    expect(parseJson('Draft', JSON.parse(JSON.stringify(toJson('Draft', draft))))).toEqual(draft);
  });
});

function reference(): protobuf.Type {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) =>
    target.startsWith('google/') ? `node_modules/protobufjs/${target}` : `proto/${target}`;
  return root.loadSync('mla/v1/message.proto', { keepCase: true }).resolveAll().lookupType('mla.v1.Message');
}

// The other members of the oneofs of a body, where it has any.
function oneofVariants(type: BodyType): Record<string, unknown>[] {
  const most = Math.max(1, ...oneofSizes(bodyTypeName(type)));
  return Array.from({ length: most - 1 }, (_, at) => fullMessage(bodyTypeName(type), at + 1).json);
}

function oneofSizes(type: string): number[] {
  const { fields, oneofs } = messageSchema(type);
  const inner = fields.filter(({ kind }) => kind === 'message').flatMap((field) => oneofSizes(field.type!));
  return [...[...oneofs.values()].map((members) => members.length), ...inner];
}

/** An object of protobufjs as `toJson` would give it: enum values without their prefix, bytes in base64url. */
function plainOf(type: protobuf.Type, object: Record<string, unknown>): Record<string, unknown> {
  const one = (field: protobuf.Field, value: unknown): unknown => {
    const { resolvedType } = field.resolve();
    if (resolvedType instanceof protobuf.Type) return plainOf(resolvedType, value as Record<string, unknown>);
    if (!(resolvedType instanceof protobuf.Enum))
      return value instanceof Uint8Array ? Buffer.from(value).toString('base64url') : value;
    const prefix = resolvedType.valuesById[0]!.replace(/UNSPECIFIED$/, '');
    return resolvedType.valuesById[value as number]!.slice(prefix.length);
  };
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => {
      const field = type.fields[name]!;
      return [name, Array.isArray(value) ? value.map((item) => one(field, item)) : one(field, value)];
    }),
  );
}

function readSample(): ReturnType<typeof parseDraft> {
  return parseDraft(JSON.parse(readFileSync('node-config/messages/request.json', 'utf8')));
}

describe('drafts', () => {
  const faultsOf = (json: unknown): string[] => {
    try {
      parseDraft(json);
      return [];
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return error.faults.map(({ path, code }) => `${path} ${code}`);
    }
  };

  test('every fault is listed at once, each with its path', () => {
    const sample = JSON.parse(readFileSync('node-config/messages/request.json', 'utf8')) as {
      assistance_request: Record<string, unknown>;
    };
    const request = structuredClone(sample.assistance_request);
    delete request['facts'];
    request['urgency'] = 'SOON';
    request['extra'] = 1;
    (request['contact'] as Record<string, unknown>)['time_zone'] = 'Moon/Tranquillity';
    (request['measures'] as Record<string, unknown>[])[0]!['id'] = 'M 1';
    (request['persons'] as Record<string, unknown>[])[0]!['native_name'] = 'Маlta';
    expect(faultsOf({ assistance_request: request }).sort()).toEqual([
      'assistance_request.contact.time_zone BAD_FORMAT',
      'assistance_request.extra UNKNOWN_FIELD',
      'assistance_request.facts REQUIRED',
      'assistance_request.measures[0].id BAD_FORMAT',
      'assistance_request.persons[0].native_name BAD_FORMAT',
      'assistance_request.urgency BAD_VALUE',
    ]);
  });

  test.each([
    [null],
    [[]],
    ['text'],
    [{}],
    [{ nonsense: {} }],
    [{ assistance_request: [] }],
    [{ assistance_request: {}, execution_report: {} }],
    [JSON.parse('{"__proto__":{"assistance_request":{}}}')],
    [{ case_id: 'x', assistance_request: {} }],
  ])('%j is no draft', (json) => {
    expect(faultsOf(json)).not.toEqual([]);
  });

  test('text is NFC, without controls or hidden direction changes', () => {
    const sample = JSON.parse(readFileSync('node-config/messages/request.json', 'utf8')) as {
      assistance_request: { facts: { text: string } };
    };
    const withText = (value: string): string[] => {
      const json = structuredClone(sample);
      json.assistance_request.facts.text = value;
      return faultsOf(json);
    };
    expect(withText('Zürich\nנתונים\u200f')).toEqual([]);
    for (const bad of ['Zu\u0308rich', 'a\u0000b', 'a\u202eb', '   ', 'a\rb', '\ufeffa', 'a\ud800', '\udc00b'])
      expect(withText(bad)).not.toEqual([]);
  });
});

describe('ledger entries', () => {
  const entries = ledger.entries.map(hex);

  test('are read, and written again byte for byte', () => {
    for (const entry of entries) expect(encodeLedgerEntry(parseLedgerEntry(entry))).toEqual(entry);
  });

  test('have exactly the members of their kind', () => {
    const sent = parseLedgerEntry(entries[1]!);
    const wrong = [
      { ...sent, peer: undefined },
      { ...sent, seq: 0 },
      { ...sent, sealed_digest: undefined },
      { ...sent, reason: 'EXPIRED' as const },
      { ...sent, version: 2 },
      { ...sent, kind: 'REFUSED' as const },
      { ...sent, detail: { type: 'incident', value: { digest: new Uint8Array(32) } } as const },
      { ...parseLedgerEntry(entries[0]!), peer: 'XB' },
    ];
    for (const entry of wrong) {
      expect(() => encodeLedgerEntry(entry)).toThrow(TypeError);
      expect(codeOf(() => parseLedgerEntry(encodeProtobuf('LedgerEntry', entry)))).toBe('WIRE_FIELDS_INVALID');
    }
  });
});

describe('frames', () => {
  test('hold exactly one thing', () => {
    expect(codeOf(() => parseFrame(new Uint8Array()))).toBe('WIRE_FIELDS_INVALID');
    const frame = { type: 'manifest', value: { manifest: 'x' } } as const;
    expect(parseFrame(encodeFrame(frame))).toEqual(frame);
    const two = [...encodeFrame(frame), ...encodeFrame(frame)];
    expect(codeOf(() => parseFrame(Uint8Array.from(two)))).toBe('WIRE_MALFORMED');
  });
});
