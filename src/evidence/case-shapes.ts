/**
 * The part of the CASE and UCO ontologies that exhibits need, as a table: which classes there are, and what each property may hold.
 * The rows of `investigation`, `core`, `action` and `types` are those of published SHACL shapes, of CASE 0.7.1 and of UCO 1.0 to 1.3; those of
 * `observable`, `identity`, `location` and `tool` follow published examples, and are not held against their shape files.
 * @see https://caseontology.org/ https://unifiedcyberontology.org/
 */

/** What a property may hold: a reference to a node of one of these classes, or a literal of a datatype. */
export interface PropertyShape {
  readonly is: 'node' | 'string' | 'hexBinary' | 'dateTime' | 'integer';
  /** For a node: the class that it has to be, or descend from. */
  readonly of?: string;
  readonly min?: number;
  readonly max?: number;
}

/** One class. */
export interface ClassShape {
  readonly parent?: string;
  readonly properties: Readonly<Record<string, PropertyShape>>;
}

const text: PropertyShape = { is: 'string' };
const oneText: PropertyShape = { is: 'string', max: 1 };
const oneTime: PropertyShape = { is: 'dateTime', max: 1 };
const node = (of: string, bounds: Omit<PropertyShape, 'is' | 'of'> = {}): PropertyShape => ({
  is: 'node',
  of,
  ...bounds,
});

/** Prefixes of the names below. */
export const CASE_CONTEXT = {
  'case-investigation': 'https://ontology.caseontology.org/case/investigation/',
  kb: 'urn:uuid:',
  'uco-action': 'https://ontology.unifiedcyberontology.org/uco/action/',
  'uco-core': 'https://ontology.unifiedcyberontology.org/uco/core/',
  'uco-identity': 'https://ontology.unifiedcyberontology.org/uco/identity/',
  'uco-location': 'https://ontology.unifiedcyberontology.org/uco/location/',
  'uco-observable': 'https://ontology.unifiedcyberontology.org/uco/observable/',
  'uco-tool': 'https://ontology.unifiedcyberontology.org/uco/tool/',
  'uco-types': 'https://ontology.unifiedcyberontology.org/uco/types/',
  xsd: 'http://www.w3.org/2001/XMLSchema#',
} as const;

/** Classes by their prefixed names. */
export const CASE_SHAPES: Readonly<Record<string, ClassShape>> = {
  'uco-core:UcoThing': { properties: {} },
  'uco-core:UcoObject': {
    parent: 'uco-core:UcoThing',
    properties: {
      'uco-core:name': oneText,
      'uco-core:description': text,
      'uco-core:tag': text,
      'uco-core:createdBy': node('uco-core:IdentityAbstraction', { max: 1 }),
      'uco-core:objectCreatedTime': oneTime,
      'uco-core:hasFacet': node('uco-core:Facet'),
    },
  },
  'uco-core:UcoInherentCharacterizationThing': { parent: 'uco-core:UcoThing', properties: {} },
  'uco-core:Facet': { parent: 'uco-core:UcoInherentCharacterizationThing', properties: {} },
  'uco-core:Compilation': { parent: 'uco-core:UcoObject', properties: {} },
  'uco-core:EnclosingCompilation': {
    parent: 'uco-core:Compilation',
    properties: { 'uco-core:object': node('uco-core:UcoObject', { min: 1 }) },
  },
  'uco-core:ContextualCompilation': {
    parent: 'uco-core:Compilation',
    properties: { 'uco-core:object': node('uco-core:UcoObject', { min: 1 }) },
  },
  'uco-core:Bundle': { parent: 'uco-core:EnclosingCompilation', properties: {} },
  'uco-core:Item': { parent: 'uco-core:UcoObject', properties: {} },
  'uco-core:IdentityAbstraction': { parent: 'uco-core:UcoObject', properties: {} },
  'uco-identity:Identity': { parent: 'uco-core:IdentityAbstraction', properties: {} },
  'uco-identity:Organization': { parent: 'uco-identity:Identity', properties: {} },
  'uco-identity:Person': { parent: 'uco-identity:Identity', properties: {} },
  'uco-location:Location': { parent: 'uco-core:UcoObject', properties: {} },
  'uco-tool:Tool': {
    parent: 'uco-core:UcoObject',
    properties: { 'uco-tool:toolType': oneText, 'uco-tool:version': oneText },
  },
  'uco-action:Action': {
    parent: 'uco-core:UcoObject',
    properties: {
      'uco-action:startTime': oneTime,
      'uco-action:endTime': oneTime,
      'uco-action:performer': node('uco-core:UcoObject', { max: 1 }),
      'uco-action:participant': node('uco-core:UcoObject'),
      'uco-action:object': node('uco-core:UcoObject'),
      'uco-action:result': node('uco-core:UcoObject'),
      'uco-action:instrument': node('uco-core:UcoObject'),
      'uco-action:location': node('uco-location:Location'),
      'uco-action:actionStatus': oneText,
    },
  },
  'uco-observable:ObservableObject': { parent: 'uco-core:UcoObject', properties: {} },
  'uco-observable:File': { parent: 'uco-observable:ObservableObject', properties: {} },
  'uco-observable:FileFacet': {
    parent: 'uco-core:Facet',
    properties: {
      'uco-observable:fileName': oneText,
      'uco-observable:filePath': oneText,
      'uco-observable:sizeInBytes': { is: 'integer', max: 1 },
    },
  },
  'uco-observable:ContentDataFacet': {
    parent: 'uco-core:Facet',
    properties: {
      'uco-observable:hash': node('uco-types:Hash'),
      'uco-observable:mimeType': text,
      'uco-observable:sizeInBytes': { is: 'integer', max: 1 },
    },
  },
  'uco-types:Hash': {
    parent: 'uco-core:UcoInherentCharacterizationThing',
    properties: {
      'uco-types:hashMethod': { is: 'string', min: 1, max: 1 },
      'uco-types:hashValue': { is: 'hexBinary', min: 1, max: 1 },
    },
  },
  'case-investigation:Authorization': {
    parent: 'uco-core:UcoObject',
    properties: {
      'case-investigation:authorizationIdentifier': text,
      'case-investigation:authorizationType': oneText,
      'uco-core:startTime': oneTime,
      'uco-core:endTime': oneTime,
    },
  },
  'case-investigation:Investigation': {
    parent: 'uco-core:ContextualCompilation',
    properties: {
      'case-investigation:focus': text,
      'case-investigation:investigationForm': oneText,
      'case-investigation:investigationStatus': oneText,
      'case-investigation:relevantAuthorization': node('case-investigation:Authorization'),
    },
  },
  'case-investigation:InvestigativeAction': {
    parent: 'uco-action:Action',
    properties: { 'case-investigation:wasInformedBy': node('case-investigation:InvestigativeAction') },
  },
  'case-investigation:ProvenanceRecord': {
    parent: 'uco-core:ContextualCompilation',
    properties: { 'case-investigation:exhibitNumber': oneText, 'case-investigation:rootExhibitNumber': text },
  },
};
