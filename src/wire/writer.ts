/**
 * Writes a trusted value by the schema, in one pass, as its one canonical encoding: fields in the order of their numbers, what has its
 * default left out, numbers of a list behind one tag. The bytes are made by protobufjs; which fields there are is told by the table.
 */
import protobuf from 'protobufjs/minimal.js';
import type { Field, MessageSchema } from './schema.ts';

type Members = Readonly<Record<string, unknown>>;
type Writer = InstanceType<typeof protobuf.Writer>;

/** The encoding; a part of a pool that others share. */
export function writeMessage(schema: MessageSchema, members: Members): Uint8Array {
  const writer = protobuf.Writer.create();
  writeMembers(writer, schema, members);
  return writer.finish();
}

function writeMembers(writer: Writer, schema: MessageSchema, members: Members): void {
  for (const part of schema.parts) {
    if ('byName' in part) {
      const chosen = members[part.oneof] as { readonly type: string; readonly value: unknown } | undefined;
      const field = chosen === undefined ? undefined : part.byName.get(chosen.type);
      if (field !== undefined) writeField(writer, field, chosen!.value);
      continue;
    }
    const value = members[part.name];
    // What is absent, and zero, which is what absence means. The member of a oneof is written even so.
    if (value === undefined || value === 0 || value === false) continue;
    if (part.repeated) writeList(writer, part, value as readonly unknown[]);
    else writeField(writer, part, value);
  }
}

function writeList(writer: Writer, field: Field, values: readonly unknown[]): void {
  if (!field.isPacked) for (const value of values) writeField(writer, field, value);
  else if (values.length > 0) {
    writer.uint32(field.tag).fork();
    for (const value of values) writeNumber(writer, field, value);
    writer.ldelim();
  }
}

function writeField(writer: Writer, field: Field, value: unknown): void {
  writer.uint32(field.tag);
  if (field.message !== undefined) {
    writer.fork();
    writeMembers(writer, field.message, value as Members);
    writer.ldelim();
  } else if (field.isVarint) writeNumber(writer, field, value);
  else if (field.kind === 'string') writer.string(value as string);
  else writer.bytes(value as Uint8Array);
}

function writeNumber(writer: Writer, field: Field, value: unknown): void {
  if (field.values !== undefined) writer.uint32(field.values.numberOf.get(value as string)!);
  else if (field.kind === 'bool') writer.bool(value as boolean);
  else writer.uint64(value as number);
}
