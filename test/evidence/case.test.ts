/** Exhibits as CASE graphs, out and in; and lists of digests. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { caseFaults, exportCase, importCase, parseCaseGraph, parseHashList } from '../../src/evidence/mod.ts';
import { parseJson } from '../../src/wire/mod.ts';
import { exhibit } from '../kit/evidence.ts';
import { temporaryFolder } from '../kit/folder.ts';

const CASE_ID = '019b0000-0000-7000-8000-0000000000aa';
const FILE_ID = '019b0000-0000-7000-8000-0000000000bb';
const DIGEST = 'ab'.repeat(32);
const EVENT = { item_id: 'e1', to: 'Central authority of XB', place: 'Brethen', at: 1_700_000_100_000 };
const SIGNED = { jurisdiction: 'XB', kid: 'A'.repeat(43), signature: Buffer.alloc(64).toString('base64url') };

const item = parseJson('EvidenceItem', {
  ...exhibit('e1'),
  kind: 'DIGITAL',
  exhibit_no: 'HDD-7',
  parent_item: 'e0',
  acquisition: { tool: 'imager', version: '4.2', method: 'bitwise copy' },
  hashes: [{ algorithm: 'SHA256', value: Buffer.from(DIGEST, 'hex').toString('base64url') }],
  files: [FILE_ID],
  custody: [
    { ...SIGNED, event: { ...EVENT, number: 1, kind: 'SEAL', seal_no: 'S-77' } },
    {
      ...SIGNED,
      event: {
        ...EVENT,
        number: 2,
        kind: 'TRANSFER',
        from: 'Police of Brethen',
        previous: Buffer.alloc(32).toString('base64url'),
      },
    },
  ],
});
const physical = parseJson('EvidenceItem', { ...exhibit('e2'), kind: 'PHYSICAL' });
const FILES = [{ file_id: FILE_ID, name: 'disk.dd', media_type: 'application/octet-stream', size: 12, sha256: DIGEST }];
const exported = (): ReturnType<typeof exportCase> =>
  exportCase(
    CASE_ID,
    [
      { origin: 'XB', item },
      { origin: 'XB', item: physical },
    ],
    FILES,
  );

describe('a CASE graph', () => {
  test('of exhibits keeps the published shapes, names everything once, and is the same every time', () => {
    const graph = exported();
    expect(exported()).toEqual(graph);
    const nodes = parseCaseGraph(graph);
    expect(caseFaults(nodes)).toEqual([]);
    const count = (type: string): number => [...nodes.values()].filter(({ types }) => types.includes(type)).length;
    expect(count('case-investigation:ProvenanceRecord')).toBe(2);
    expect(count('case-investigation:InvestigativeAction')).toBe(4);
    expect(count('uco-observable:File')).toBe(1);
    expect(count('uco-core:Item')).toBe(1);
    // Ids end in a UUID of a version that the ontology asks for, and every reference leads somewhere.
    const ids = [...nodes.keys()];
    expect(
      ids.every((id) => /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)),
    ).toBe(true);
    const references = [...JSON.stringify(graph).matchAll(/"@id":"kb:([^"]+)"/g)].map(([, id]) => `urn:uuid:${id}`);
    expect(references.filter((id) => !nodes.has(id))).toEqual([]);
  });

  test('comes back as descriptions that a person can complete', () => {
    const [first, second] = importCase(exported());
    expect(first).toMatchObject({
      item: {
        item_id: 'e1',
        exhibit_no: 'HDD-7',
        kind: 'DIGITAL',
        description: { text: 'Ledger of an invented shop.' },
        collected: { by: 'Insp. Ida Example', authority: 'Police of Brethen', place: 'Brethen', at: 1_700_000_000_000 },
        acquisition: { tool: 'imager', version: '4.2' },
      },
      missing: ['collected.role', 'collected.law'],
      files: [{ name: 'disk.dd', hashes: [{ algorithm: 'SHA256', value: DIGEST }] }],
    });
    expect(second).toMatchObject({ item: { kind: 'PHYSICAL' }, files: [] });
    const collected = { ...(first!.item['collected'] as object), role: 'inspector', law: 'art. 10' };
    expect(parseJson('EvidenceItem', { ...first!.item, collected }).hashes).toHaveLength(1);
  });

  test('of another tool, with its own prefixes and nodes inside nodes, is read all the same', () => {
    const graph = {
      '@context': {
        inv: 'https://ontology.caseontology.org/case/investigation/',
        core: 'https://ontology.unifiedcyberontology.org/uco/core/',
        obs: 'https://ontology.unifiedcyberontology.org/uco/observable/',
        types: 'https://ontology.unifiedcyberontology.org/uco/types/',
        act: 'https://ontology.unifiedcyberontology.org/uco/action/',
        kb: 'http://example.org/kb/',
      },
      '@graph': [
        {
          '@id': 'kb:r',
          '@type': 'inv:ProvenanceRecord',
          'inv:exhibitNumber': 'A-1',
          'core:object': { '@id': 'kb:f' },
        },
        {
          '@id': 'kb:f',
          '@type': ['obs:File', 'http://example.org/Own'],
          'core:hasFacet': {
            '@id': 'kb:c',
            '@type': 'obs:ContentDataFacet',
            'obs:hash': [
              {
                '@id': 'kb:h',
                '@type': 'types:Hash',
                'types:hashMethod': 'MD5',
                'types:hashValue': { '@type': 'http://www.w3.org/2001/XMLSchema#hexBinary', '@value': 'AB'.repeat(16) },
              },
            ],
          },
        },
        {
          '@id': 'kb:a',
          '@type': 'inv:InvestigativeAction',
          'act:startTime': '2026-01-02T03:04:05Z',
          'act:result': { '@id': 'kb:f' },
        },
      ],
    };
    expect(importCase(graph)).toMatchObject([
      {
        item: { exhibit_no: 'A-1', collected: { at: Date.parse('2026-01-02T03:04:05Z') } },
        files: [{ hashes: [{ algorithm: 'MD5', value: 'ab'.repeat(16) }] }],
      },
    ]);
  });

  test.each([
    ['a digest that is not hexadecimal', (text: string) => text.replace(DIGEST, 'xyz'), 'hexadecimal'],
    ['a time that is none', (text: string) => text.replace(/"2023-11-14T[^"]+"/, '"yesterday"'), 'must be a time'],
    [
      'a record of nothing',
      (text: string) =>
        text.replace(/("@type":"case-investigation:ProvenanceRecord".*?)"uco-core:object"/, '$1"x:object"'),
      'is required',
    ],
    [
      'a reference to a node of another class',
      (text: string) => text.replace('"uco-location:Location"', '"uco-tool:Tool"'),
      'must name a uco-location:Location',
    ],
    [
      'two exhibit numbers',
      (text: string) =>
        text.replace('"case-investigation:exhibitNumber":"HDD-7"', '"case-investigation:exhibitNumber":["a","b"]'),
      '1 time at most',
    ],
  ])('with %s is refused', (_, change, words) => {
    const before = JSON.stringify(exported());
    const after = change(before);
    expect(after).not.toBe(before);
    const graph = JSON.parse(after) as unknown;
    expect(() => importCase(graph)).toThrow(
      expect.objectContaining({
        code: 'EVIDENCE_CASE_MALFORMED',
        message: expect.stringContaining(words) as string,
      }) as Error,
    );
  });

  test('that is none, or never ends, is refused', () => {
    let deep: object = { '@id': 'x' };
    for (let i = 0; i < 100; i++) deep = { '@id': `x${i}`, p: deep };
    for (const graph of [1, 'x', [], { '@graph': [1] }, { '@graph': [deep] }, {}])
      expect(() => importCase(graph)).toThrow(expect.objectContaining({ code: 'EVIDENCE_CASE_MALFORMED' }) as Error);
  });
});

describe('a list of digests', () => {
  test('of coreutils and of BSD, binary or not, with names that are escaped', () => {
    const list = parseHashList(
      `${DIGEST}  a.dd\n${DIGEST} *b c.dd\n\\${DIGEST}  new\\nline\\\\.dd\nSHA256 (d (1).dd) = ${DIGEST.toUpperCase()}\n\n# a comment\n`,
    );
    expect(list.files.map(({ path }) => path)).toEqual(['a.dd', 'b c.dd', 'new\nline\\.dd', 'd (1).dd']);
    expect(list.files.every(({ digests }) => digests.sha256 === DIGEST)).toBe(true);
  });

  test('of hashdeep, with several digests a file and commas in its name', () => {
    const [md5, head] = [
      'cd'.repeat(16),
      '%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## Invoked from: /x\n## \n',
    ];
    const list = parseHashList(`${head}12,${md5},${DIGEST},/x/a, b.dd\n`);
    expect(list).toEqual({
      format: 'hashdeep',
      files: [{ path: '/x/a, b.dd', size: 12, digests: { md5, sha256: DIGEST } }],
    });
  });

  test('of BagIt, without its folder and its escapes', () => {
    const list = parseHashList(`${DIGEST}   data/a%0Ab%25.dd\n`, 'manifest-sha256.txt');
    expect(list).toEqual({ format: 'bagit', files: [{ path: 'a\nb%.dd', digests: { sha256: DIGEST } }] });
  });

  test.each([
    '',
    'nonsense',
    DIGEST,
    'abc  x',
    'MD5 (x) = ' + DIGEST,
    '%%%% HASHDEEP-1.0\nx',
    '%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n1,zz,x',
  ])('that is none is refused: %j', (text) => {
    expect(() => parseHashList(text)).toThrow(expect.objectContaining({ code: 'EVIDENCE_LIST_MALFORMED' }) as Error);
  });

  test('as the system’s own tools write it', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, 'sub', 'a.bin'), 'abc');
    for (const [tool, algorithm, digest] of [
      ['sha256sum', 'sha256', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
      ['md5sum', 'md5', '900150983cd24fb0d6963f7d28e17f72'],
      ['sha1sum', 'sha1', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ] as const) {
      for (const flags of [[], ['--tag']]) {
        const text = execFileSync(tool, [...flags, 'sub/a.bin'], { cwd: folder }).toString('utf8');
        expect(parseHashList(text).files).toEqual([{ path: 'sub/a.bin', digests: { [algorithm]: digest } }]);
      }
    }
  });
});
