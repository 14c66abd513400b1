/** A graph in JSON-LD, as CASE tools write it, read without following anything: no context is ever fetched. */
import { CASE_CONTEXT, CASE_SHAPES, type PropertyShape } from './case-shapes.ts';
import { EvidenceError } from './error.ts';

/** A node: its properties by prefixed name, each a list. */
export interface CaseNode {
  readonly id: string;
  readonly types: readonly string[];
  readonly properties: ReadonlyMap<string, readonly unknown[]>;
}

/** What breaks a shape. */
export interface ShapeFault {
  readonly node: string;
  readonly message: string;
}

const MAX_NODES = 100_000;
const BY_NAMESPACE = Object.entries(CASE_CONTEXT).sort(([, a], [, b]) => b.length - a.length);

/**
 * Reads a document: an object with `@graph`, or one node. Nodes inside nodes are taken out, and prefixes of the document's own are
 * replaced by ours.
 * @throws {EvidenceError} EVIDENCE_CASE_MALFORMED
 */
export function parseCaseGraph(json: unknown): ReadonlyMap<string, CaseNode> {
  const nodes = new Map<string, CaseNode>();
  if (!isObject(json)) throw malformed('it is no object');
  const context = contextOf(json['@context']);
  let unnamed = 0;
  const read = (value: Record<string, unknown>, depth: number): { readonly '@id': string } => {
    if (depth > 32 || nodes.size >= MAX_NODES) throw malformed('it is too deep or too large');
    const id = typeof value['@id'] === 'string' ? expand(value['@id'], context) : `_:${++unnamed}`;
    const types = listOf(value['@type']).filter((type): type is string => typeof type === 'string');
    const properties = new Map<string, readonly unknown[]>(nodes.get(id)?.properties);
    const known = nodes.get(id)?.types ?? [];
    for (const [name, given] of Object.entries(value)) {
      if (name.startsWith('@')) continue;
      const values = listOf(given).map((one) => {
        if (!isObject(one) || '@value' in one) return one;
        return Object.keys(one).every((key) => key === '@id')
          ? { '@id': expand(String(one['@id']), context) }
          : read(one, depth + 1);
      });
      properties.set(compact(expand(name, context)), values);
    }
    nodes.set(id, { id, types: [...known, ...types.map((type) => compact(expand(type, context)))], properties });
    return { '@id': id };
  };
  const graph = '@graph' in json ? listOf(json['@graph']) : [json];
  for (const value of graph) {
    if (!isObject(value)) throw malformed('a member of its graph is no object');
    read(value, 0);
  }
  return nodes;
}

/** Everything in a graph that the shapes do not allow. Classes and properties that they do not know are left alone: graphs may say more. */
export function caseFaults(nodes: ReadonlyMap<string, CaseNode>): ShapeFault[] {
  const faults: ShapeFault[] = [];
  for (const node of nodes.values()) {
    const shape = shapeOf(node.types);
    if (shape.size === 0) continue;
    if (node.id.startsWith('_:')) faults.push({ node: node.id, message: 'must have an id of its own' });
    for (const [name, property] of shape) {
      const values = node.properties.get(name) ?? [];
      const add = (message: string): void => void faults.push({ node: node.id, message: `${name} ${message}` });
      if (values.length < (property.min ?? 0)) add('is required');
      if (values.length > (property.max ?? Infinity)) add(`may be there ${property.max} time at most`);
      for (const value of values) {
        const wrong = valueFault(value, property, nodes);
        if (wrong !== undefined) add(wrong);
      }
    }
  }
  return faults;
}

/** Whether a node is of a class, or of one that descends from it. */
export function isOfClass({ types }: CaseNode, wanted: string): boolean {
  return types.some((type) => ancestorsOf(type).includes(wanted));
}

/** The text of a literal, in whichever of its spellings. */
export function literalOf(value: unknown): string | undefined {
  const plain = isObject(value) ? value['@value'] : value;
  return typeof plain === 'string' || typeof plain === 'number' || typeof plain === 'boolean'
    ? String(plain)
    : undefined;
}

/** The id that a reference names. */
export function referenceOf(value: unknown): string | undefined {
  return isObject(value) && typeof value['@id'] === 'string' ? value['@id'] : undefined;
}

function shapeOf(types: readonly string[]): Map<string, PropertyShape> {
  const shape = new Map<string, PropertyShape>();
  for (const type of types.flatMap(ancestorsOf)) {
    for (const [name, property] of Object.entries(CASE_SHAPES[type]?.properties ?? {})) shape.set(name, property);
  }
  return shape;
}

function ancestorsOf(type: string): string[] {
  const line: string[] = [];
  for (
    let at: string | undefined = type;
    at !== undefined && Object.hasOwn(CASE_SHAPES, at);
    at = CASE_SHAPES[at]!.parent
  )
    line.push(at);
  return line;
}

function valueFault(
  value: unknown,
  { is, of }: PropertyShape,
  nodes: ReadonlyMap<string, CaseNode>,
): string | undefined {
  if (is === 'node') {
    const id = referenceOf(value);
    if (id === undefined) return 'must name a node';
    const target = nodes.get(id);
    // What a document only refers to may be described elsewhere.
    return target === undefined || isOfClass(target, of!) ? undefined : `must name a ${of}`;
  }
  const text = literalOf(value);
  if (text === undefined) return 'must be a literal';
  switch (is) {
    case 'string':
      return undefined;
    case 'hexBinary':
      return /^([0-9a-fA-F]{2})+$/.test(text) ? undefined : 'must be hexadecimal';
    case 'dateTime':
      return /^-?\d{4,}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}/.test(text) && !Number.isNaN(Date.parse(text))
        ? undefined
        : 'must be a time';
    case 'integer':
      return /^[+-]?\d+$/.test(text) ? undefined : 'must be a whole number';
    default:
      return is satisfies never;
  }
}

function contextOf(json: unknown): ReadonlyMap<string, string> {
  const prefixes = new Map<string, string>(Object.entries(CASE_CONTEXT));
  for (const one of listOf(json)) {
    if (!isObject(one)) continue;
    for (const [prefix, iri] of Object.entries(one)) if (typeof iri === 'string') prefixes.set(prefix, iri);
  }
  return prefixes;
}

function expand(name: string, context: ReadonlyMap<string, string>): string {
  const colon = name.indexOf(':');
  const iri = colon < 0 ? undefined : context.get(name.slice(0, colon));
  return iri === undefined || name.startsWith('urn:') ? name : iri + name.slice(colon + 1);
}

function compact(iri: string): string {
  const [prefix, namespace] = BY_NAMESPACE.find(([, one]) => iri.startsWith(one)) ?? [];
  return prefix === undefined ? iri : `${prefix}:${iri.slice(namespace!.length)}`;
}

function listOf(value: unknown): readonly unknown[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(detail: string): EvidenceError {
  return new EvidenceError('EVIDENCE_CASE_MALFORMED', `The file is not a graph in JSON-LD: ${detail}.`);
}
