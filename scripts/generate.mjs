/**
 * Generates `src/wire/generated/` from `proto/`: the TypeScript types, and the table of fields and their rules by which `src/wire/` reads
 * and writes. Nothing reads a `.proto` file at run time.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

const require = createRequire(import.meta.url);

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const outDir = join(top, 'src/wire/generated');
const NAMES = ['message', 'request', 'lifecycle', 'asset', 'spontaneous', 'team', 'casework', 'protection', 'evidence'];
const FILES = [...NAMES, 'ledger', 'frame'].map((name) => `mla/v1/${name}.proto`);
const SCALARS = new Set(['uint32', 'uint64', 'int64', 'bool', 'string', 'bytes']);
const BANNER = '// Generated from proto/ by scripts/generate.mjs. Do not edit.\n';

const root = new protobuf.Root();
root.resolvePath = (_origin, target) =>
  target.startsWith('google/') ? require.resolve(`protobufjs/${target}`) : join(top, 'proto', target);
await root.load(FILES, { keepCase: true, alternateCommentMode: true });
root.resolveAll();
const scope = root.lookup('mla.v1');

const messages = [];
const enums = [];
collect(scope);
for (const message of messages) assertAcyclic(message, []);

rmSync(outDir, { recursive: true, force: true });
mkdirSync(outDir, { recursive: true });
writeFileSync(join(outDir, 'types.ts'), typesModule());
writeFileSync(join(outDir, 'table.ts'), tableModule());

function collect(namespace) {
  for (const item of namespace.nestedArray) {
    if (item.name === 'Rules') continue;
    if (item instanceof protobuf.Type) messages.push(item);
    if (item instanceof protobuf.Enum) enums.push(item);
    if (item instanceof protobuf.Namespace) collect(item);
  }
}

// Without recursion in the schema no input can nest deeper than the schema does: no depth limit is needed at run time.
function assertAcyclic(message, above) {
  if (above.includes(message)) throw new Error(`${message.fullName} contains itself`);
  for (const field of message.fieldsArray) {
    if (field.resolvedType instanceof protobuf.Type) assertAcyclic(field.resolvedType, [...above, message]);
  }
}

/** `.mla.v1.LedgerEntry.Kind` → `LedgerEntryKind` */
function nameOf(type) {
  return type.fullName.replace(/^\.mla\.v1\./, '').replaceAll('.', '');
}

/** Enum values without the prefix that protobuf's scoping asks for: `KIND_SENT` → `SENT`. */
function valuesOf(type) {
  const prefix = `${type.name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()}_`;
  return Object.entries(type.values).map(([name, number]) => {
    if (!name.startsWith(prefix)) throw new Error(`${type.fullName}.${name} lacks the prefix ${prefix}`);
    return [name.slice(prefix.length), number];
  });
}

function rulesOf(field) {
  const rules = {};
  for (const [key, value] of Object.entries(field.options ?? {})) {
    const match = /^\(rules\)\.(\w+)$/.exec(key);
    if (match) rules[match[1]] = value;
  }
  return rules;
}

function kindOf(field) {
  if (field.map) throw new Error(`${field.fullName}: maps are not part of this schema's style`);
  if (field.resolvedType instanceof protobuf.Enum) return 'enum';
  if (field.resolvedType instanceof protobuf.Type) return 'message';
  if (!SCALARS.has(field.type)) throw new Error(`${field.fullName}: type ${field.type} is not used in this schema`);
  if (field.options?.proto3_optional)
    throw new Error(`${field.fullName}: “optional” is not part of this schema's style`);
  return field.type;
}

function docOf(item, indent = '') {
  if (!item.comment) return '';
  const lines = item.comment.trim().split('\n');
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join('')}${indent} */\n`;
}

function tsTypeOf(field) {
  const kind = kindOf(field);
  if (kind === 'enum' || kind === 'message') return nameOf(field.resolvedType);
  if (kind === 'string') return 'string';
  if (kind === 'bytes') return 'Uint8Array';
  return kind === 'bool' ? 'boolean' : 'number';
}

// Absence is part of the type: a required field is there, a number or flag always has a value, everything else may be absent.
function memberOf(field) {
  const type = tsTypeOf(field);
  if (field.repeated) return `${field.name}: readonly ${type}[];`;
  const always = rulesOf(field).required || type === 'number' || type === 'boolean';
  return always ? `${field.name}: ${type};` : `${field.name}?: ${type} | undefined;`;
}

function typesModule() {
  let out = BANNER;
  for (const type of enums) {
    const names = valuesOf(type).filter(([, number]) => number !== 0);
    out += `\n${docOf(type)}export type ${nameOf(type)} = ${names.map(([name]) => `'${name}'`).join(' | ')};\n`;
  }
  for (const message of messages) {
    out += `\n${docOf(message)}export interface ${nameOf(message)} {\n`;
    for (const field of message.fieldsArray.filter((f) => !f.partOf)) {
      out += `${docOf(field, '  ')}  readonly ${memberOf(field)}\n`;
    }
    for (const oneof of message.oneofsArray) {
      const arms = oneof.fieldsArray.map((f) => `{ readonly type: '${f.name}'; readonly value: ${tsTypeOf(f)} }`);
      out += `  readonly ${oneof.name}?: ${arms.join(' | ')} | undefined;\n`;
    }
    out += '}\n';
  }
  out += '\n/** Every message type by its name. */\nexport interface WireTypes {\n';
  for (const message of messages) out += `  readonly ${nameOf(message)}: ${nameOf(message)};\n`;
  return `${out}}\n`;
}

function rowOf(field) {
  const rules = rulesOf(field);
  const kind = kindOf(field);
  const row = { id: field.id, name: field.name, kind, repeated: field.repeated, required: rules.required ?? false };
  if (field.resolvedType) row.type = nameOf(field.resolvedType);
  if (field.partOf) row.oneof = field.partOf.name;
  if (kind === 'string') row.format = rules.format ?? 'line';
  if (kind === 'string' && rules.format_from) row.formatFrom = rules.format_from;
  if (rules.max_value) row.maxValue = rules.max_value;
  if (kind === 'bytes' && rules.format) row.format = rules.format;
  if (kind === 'string' || kind === 'bytes') row.maxBytes = rules.max_bytes ?? rules.exact_bytes ?? 1024;
  if (rules.exact_bytes) row.exactBytes = rules.exact_bytes;
  if (field.repeated) row.maxItems = rules.max_items ?? 64;
  return row;
}

function tableModule() {
  const byId = (a, b) => a.id - b.id;
  const table = Object.fromEntries(messages.map((m) => [nameOf(m), m.fieldsArray.map(rowOf).sort(byId)]));
  const values = Object.fromEntries(
    enums.map((type) => [nameOf(type), Object.fromEntries(valuesOf(type).filter(([, number]) => number !== 0))]),
  );
  return `${BANNER}
import type { FieldRow } from '../schema.ts';

export const FIELDS: Readonly<Record<string, readonly FieldRow[]>> = ${JSON.stringify(table, null, 1)};

export const ENUMS: Readonly<Record<string, Readonly<Record<string, number>>>> = ${JSON.stringify(values, null, 1)};
`;
}
