/** Exhibits out of a CASE graph: what a forensic tool says of them, as descriptions that a person completes. */
import type { HashAlgorithm } from '../wire/mod.ts';
import { caseFaults, isOfClass, literalOf, parseCaseGraph, referenceOf, type CaseNode } from './case-graph.ts';
import { EvidenceError } from './error.ts';

/** A description of an exhibit as far as the graph goes, and what it lacks. */
export interface ImportedExhibit {
  /** Like the JSON of an `EvidenceItem`. */
  readonly item: Record<string, unknown>;
  /** Required members that the graph does not tell. */
  readonly missing: readonly string[];
  /** Names and digests of the files that belong to it. */
  readonly files: readonly { readonly name: string; readonly hashes: readonly ImportedHash[] }[];
}

/** A digest as a tool supplied it. */
export interface ImportedHash {
  readonly algorithm: HashAlgorithm;
  /** Hexadecimal, lower case. */
  readonly value: string;
}

const METHODS: Readonly<Record<string, HashAlgorithm>> = {
  MD5: 'MD5',
  SHA1: 'SHA1',
  SHA256: 'SHA256',
  SHA384: 'SHA384',
  SHA512: 'SHA512',
  'SHA3-256': 'SHA3_256',
};
const COLLECTED = ['by', 'role', 'authority', 'place', 'at', 'law'] as const;

/**
 * @throws {EvidenceError} EVIDENCE_CASE_MALFORMED for a document that is no graph, that breaks the ontologies' shapes, or that has no
 * provenance record
 */
export function importCase(json: unknown): ImportedExhibit[] {
  const nodes = parseCaseGraph(json);
  const faults = caseFaults(nodes);
  if (faults.length > 0) {
    const listed = faults.slice(0, 20).map(({ node, message }) => `${node}: ${message}`);
    throw new EvidenceError(
      'EVIDENCE_CASE_MALFORMED',
      `The graph breaks the shapes of CASE or UCO: ${listed.join('; ')}.`,
    );
  }
  const all = [...nodes.values()];
  const records = all.filter((node) => isOfClass(node, 'case-investigation:ProvenanceRecord'));
  if (records.length === 0)
    throw new EvidenceError(
      'EVIDENCE_CASE_MALFORMED',
      'The graph has no provenance record: nothing in it is an exhibit.',
    );
  const actions = all.filter((node) => isOfClass(node, 'case-investigation:InvestigativeAction'));
  return records.map((record, index) => importRecord(nodes, actions, record, index));
}

function importRecord(
  nodes: ReadonlyMap<string, CaseNode>,
  actions: readonly CaseNode[],
  record: CaseNode,
  index: number,
): ImportedExhibit {
  const exhibitNo = textOf(record, 'case-investigation:exhibitNumber');
  const things = targetsOf(nodes, record, 'uco-core:object');
  const files = things
    .filter((thing) => isOfClass(thing, 'uco-observable:ObservableObject'))
    .map((thing) => fileOf(nodes, thing));
  const hashes = files.length === 1 ? files[0]!.hashes : [];
  const resulted = (action: CaseNode): boolean =>
    targetsOf(nodes, action, 'uco-action:result').some((node) => node === record || things.includes(node));
  const action = actions.find(resulted);
  const collected = action === undefined ? {} : collectionOf(nodes, action);
  const [tool] =
    action === undefined
      ? []
      : targetsOf(nodes, action, 'uco-action:instrument').filter((node) => isOfClass(node, 'uco-tool:Tool'));
  const method =
    action === undefined ? undefined : (textOf(action, 'uco-core:description') ?? textOf(action, 'uco-core:name'));
  const acquisition = {
    ...defined('tool', tool && textOf(tool, 'uco-core:name')),
    ...defined('version', tool && textOf(tool, 'uco-tool:version')),
    ...defined('method', tool && method),
  };
  const kind = files.length > 0 ? 'DIGITAL' : 'PHYSICAL';
  const description = textOf(record, 'uco-core:description') ?? textOf(record, 'uco-core:name');
  const item = {
    item_id: `e${index + 1}`,
    ...defined('exhibit_no', exhibitNo),
    kind,
    ...(description === undefined ? {} : { description: { lang: 'en', text: description } }),
    collected,
    ...(hashes.length === 0
      ? {}
      : { hashes: hashes.map(({ algorithm, value }) => ({ algorithm, value: base64urlOf(value) })) }),
    ...(kind === 'DIGITAL' ? { acquisition } : {}),
  };
  const missing = [
    ...(description === undefined ? ['description'] : []),
    ...COLLECTED.filter((name) => !(name in collected)).map((name) => `collected.${name}`),
    ...(kind === 'DIGITAL'
      ? ['tool', 'version', 'method'].filter((name) => !(name in acquisition)).map((name) => `acquisition.${name}`)
      : []),
  ];
  return { item, missing, files };
}

function collectionOf(nodes: ReadonlyMap<string, CaseNode>, action: CaseNode): Record<string, unknown> {
  const [performer] = targetsOf(nodes, action, 'uco-action:performer');
  const [authority] = targetsOf(nodes, action, 'uco-action:participant').filter((node) =>
    isOfClass(node, 'uco-identity:Organization'),
  );
  const [place] = targetsOf(nodes, action, 'uco-action:location');
  const time = textOf(action, 'uco-action:endTime') ?? textOf(action, 'uco-action:startTime');
  return {
    ...defined('by', performer && textOf(performer, 'uco-core:name')),
    ...defined('authority', authority && textOf(authority, 'uco-core:name')),
    ...defined('place', place && textOf(place, 'uco-core:name')),
    ...(time === undefined ? {} : { at: Date.parse(time) }),
  };
}

function fileOf(nodes: ReadonlyMap<string, CaseNode>, thing: CaseNode): ImportedExhibit['files'][number] {
  const facets = targetsOf(nodes, thing, 'uco-core:hasFacet');
  const name = facets.map((facet) => textOf(facet, 'uco-observable:fileName')).find((one) => one !== undefined);
  const hashes = facets
    .flatMap((facet) => targetsOf(nodes, facet, 'uco-observable:hash'))
    .flatMap((hash): ImportedHash[] => {
      const algorithm = METHODS[(textOf(hash, 'uco-types:hashMethod') ?? '').toUpperCase()];
      const value = textOf(hash, 'uco-types:hashValue')?.toLowerCase();
      return algorithm === undefined || value === undefined ? [] : [{ algorithm, value }];
    });
  return { name: name ?? textOf(thing, 'uco-core:name') ?? '', hashes };
}

function targetsOf(nodes: ReadonlyMap<string, CaseNode>, node: CaseNode, property: string): CaseNode[] {
  return (node.properties.get(property) ?? []).flatMap((value) => {
    const target = nodes.get(referenceOf(value) ?? '');
    return target === undefined ? [] : [target];
  });
}

function textOf(node: CaseNode, property: string): string | undefined {
  return literalOf(node.properties.get(property)?.[0]);
}

function defined(name: string, value: string | undefined): Record<string, string> {
  return value === undefined || value === '' ? {} : { [name]: value };
}

function base64urlOf(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64url');
}
