/** Exhibits as a CASE graph in JSON-LD. Ids are made of what they name, so that the same exhibits give the same bytes. */
import { bytesToHex, isoTime, sha256, utf8ToBytes } from '../base/mod.ts';
import type { CustodyRecord, EvidenceItem, Hash } from '../wire/mod.ts';
import { CASE_CONTEXT } from './case-shapes.ts';
import { custodyName } from './custody.ts';

/** A file of an exhibit. */
export interface CaseFile {
  readonly file_id: string;
  readonly name: string;
  readonly media_type: string;
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** An exhibit and whose it is. */
export interface CaseExhibit {
  readonly origin: string;
  readonly item: EvidenceItem;
}

type Json = Readonly<Record<string, unknown>>;

/** A document with one investigation: its exhibits, what was done with them, and by whose authority. */
export function exportCase(caseId: string, exhibits: readonly CaseExhibit[], files: readonly CaseFile[]): Json {
  const graph = new Graph(caseId);
  const objects = exhibits.flatMap((exhibit) => exportExhibit(graph, exhibit, files));
  const authorisations = exhibits.flatMap(({ item }) => authorisationOf(graph, item));
  graph.add(`investigation`, 'case-investigation:Investigation', {
    'uco-core:name': `Case ${caseId}`,
    'case-investigation:investigationForm': 'case',
    'case-investigation:relevantAuthorization': authorisations,
    'uco-core:object': objects,
  });
  return { '@context': CASE_CONTEXT, '@graph': graph.nodes };
}

/** Nodes with ids of their own, each once. */
class Graph {
  readonly #scope: string;
  readonly #nodes = new Map<string, Json>();

  constructor(scope: string) {
    this.#scope = scope;
  }

  get nodes(): readonly Json[] {
    return [...this.#nodes.values()];
  }

  /** @param key what tells this node from every other of the case @returns a reference to it */
  add(key: string, type: string, properties: Json): Json {
    const id = `kb:${idOf(`${this.#scope}\n${key}`)}`;
    const given = Object.entries(properties).filter(
      ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
    );
    this.#nodes.set(id, { '@id': id, '@type': type, ...Object.fromEntries(given) });
    return { '@id': id };
  }
}

// A UUID of version 5 in form: the ontology asks for ids that end like one, of versions up to 5.
function idOf(key: string): string {
  const digest = sha256(utf8ToBytes(`rogatory-case/v1\n${key}`)).slice(0, 16);
  digest[6] = (digest[6]! & 0x0f) | 0x50;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  const hex = bytesToHex(digest);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function exportExhibit(graph: Graph, { origin, item }: CaseExhibit, files: readonly CaseFile[]): Json[] {
  const key = `${origin}/${item.item_id}`;
  const own = files.filter(({ file_id: id }) => item.files.includes(id));
  const things = own.map((file) => fileNode(graph, file));
  // An exhibit without a file is still a thing: an object, or content of which there are digests alone.
  if (things.length === 0) things.push(thingNode(graph, key, item));
  const record = graph.add(`${key}/record`, 'case-investigation:ProvenanceRecord', {
    'uco-core:name': item.item_id,
    'uco-core:description': item.description.text,
    'uco-core:tag': [item.kind, origin],
    'case-investigation:exhibitNumber': item.exhibit_no ?? item.item_id,
    'case-investigation:rootExhibitNumber':
      item.parent_item === undefined ? item.derived_from : [item.parent_item, ...item.derived_from],
    'uco-core:object': things,
  });
  const actions = [collection(graph, key, item, record)];
  const followed = new Map<string, Json>();
  for (const custody of item.custody) {
    const names = [custody.event.previous, ...custody.event.joins].filter((name) => name !== undefined);
    const before = names.flatMap((name): Json[] => {
      const found = followed.get(bytesToHex(name));
      return found === undefined ? [] : [found];
    });
    const made = action(graph, key, item, custody, record, before.length > 0 ? before : [actions[0]!]);
    followed.set(custodyName(custody), made);
    actions.push(made);
  }
  return [record, ...things, ...actions];
}

function fileNode(graph: Graph, { file_id: id, name, media_type: type, size, sha256: digest }: CaseFile): Json {
  const bytes = { '@type': 'xsd:integer', '@value': String(size) };
  const file = graph.add(`${id}/facet`, 'uco-observable:FileFacet', {
    'uco-observable:fileName': name,
    'uco-observable:sizeInBytes': bytes,
  });
  const content = graph.add(`${id}/content`, 'uco-observable:ContentDataFacet', {
    'uco-observable:mimeType': type,
    'uco-observable:sizeInBytes': bytes,
    'uco-observable:hash': [hashNode(graph, id, 'SHA256', digest)],
  });
  return graph.add(id, 'uco-observable:File', { 'uco-core:name': name, 'uco-core:hasFacet': [file, content] });
}

function thingNode(graph: Graph, key: string, item: EvidenceItem): Json {
  if (item.hashes.length === 0)
    return graph.add(`${key}/thing`, 'uco-core:Item', { 'uco-core:description': item.description.text });
  const content = graph.add(`${key}/content`, 'uco-observable:ContentDataFacet', {
    'uco-observable:hash': item.hashes.map((hash) => hashOf(graph, key, hash)),
  });
  return graph.add(`${key}/thing`, 'uco-observable:ObservableObject', {
    'uco-core:description': item.description.text,
    'uco-core:hasFacet': [content],
  });
}

function collection(graph: Graph, key: string, { collected, acquisition }: EvidenceItem, record: Json): Json {
  const { by, role, authority, place, at, law } = collected;
  const tool =
    acquisition === undefined
      ? []
      : [
          graph.add(`tool/${acquisition.tool}/${acquisition.version}`, 'uco-tool:Tool', {
            'uco-core:name': acquisition.tool,
            'uco-tool:version': acquisition.version,
          }),
        ];
  return graph.add(`${key}/collected`, 'case-investigation:InvestigativeAction', {
    'uco-core:name': 'COLLECT',
    'uco-core:description': [role, law, ...(acquisition === undefined ? [] : [acquisition.method])],
    'uco-action:actionStatus': 'Complete/Finish',
    ...span(at),
    'uco-action:performer': graph.add(`person/${by}`, 'uco-identity:Person', { 'uco-core:name': by }),
    'uco-action:participant': [organisation(graph, authority)],
    'uco-action:location': [location(graph, place)],
    'uco-action:instrument': tool,
    'uco-action:result': [record],
  });
}

function action(
  graph: Graph,
  key: string,
  item: EvidenceItem,
  { event, jurisdiction }: CustodyRecord,
  record: Json,
  before: readonly Json[],
): Json {
  const seal = event.seal_no === undefined ? [] : [`seal ${event.seal_no}`];
  const after =
    event.hash_after === undefined ? [] : [`${event.hash_after.algorithm} ${bytesToHex(event.hash_after.value)}`];
  return graph.add(`${key}/custody/${jurisdiction}/${event.number}`, 'case-investigation:InvestigativeAction', {
    'uco-core:name': event.kind,
    'uco-core:description': [
      `signed by ${jurisdiction}`,
      ...seal,
      ...after,
      ...(event.note === undefined ? [] : [event.note.text]),
    ],
    'uco-action:actionStatus': 'Complete/Finish',
    ...span(event.at),
    'uco-action:performer': organisation(graph, event.to),
    'uco-action:participant': event.from === undefined ? [] : [organisation(graph, event.from)],
    'uco-action:location': [location(graph, event.place)],
    'uco-action:object': [record],
    'case-investigation:wasInformedBy': before,
    'uco-core:tag': [item.item_id],
  });
}

function authorisationOf(graph: Graph, { collected: { authorisation, law } }: EvidenceItem): Json[] {
  if (authorisation === undefined || authorisation === '') return [];
  return [
    graph.add(`authorisation/${authorisation}`, 'case-investigation:Authorization', {
      'case-investigation:authorizationIdentifier': authorisation,
      'case-investigation:authorizationType': law,
    }),
  ];
}

function hashOf(graph: Graph, key: string, { algorithm, value }: Hash): Json {
  return hashNode(graph, key, algorithm === 'SHA3_256' ? 'SHA3-256' : algorithm, bytesToHex(value));
}

function hashNode(graph: Graph, key: string, method: string, hex: string): Json {
  return graph.add(`${key}/hash/${method}`, 'uco-types:Hash', {
    'uco-types:hashMethod': method,
    'uco-types:hashValue': { '@type': 'xsd:hexBinary', '@value': hex },
  });
}

function organisation(graph: Graph, name: string): Json {
  return graph.add(`organisation/${name}`, 'uco-identity:Organization', { 'uco-core:name': name });
}

function location(graph: Graph, place: string): Json {
  return graph.add(`location/${place}`, 'uco-location:Location', { 'uco-core:name': place });
}

function span(at: number): Json {
  const time = { '@type': 'xsd:dateTime', '@value': isoTime(at) };
  return { 'uco-action:startTime': time, 'uco-action:endTime': time };
}
