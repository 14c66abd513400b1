/** What a scenario is written in: its jurisdictions, and the kinds of step that it can take. */
import { z } from 'zod';
import { isJurisdictionCode, type JurisdictionCode } from '../../base/mod.ts';
import { SUBJECTS } from '../../casework/mod.ts';

const code = z.custom<JurisdictionCode>(
  (value) => typeof value === 'string' && isJurisdictionCode(value),
  'is not a jurisdiction code',
);
const slug = z.string().regex(/^[a-z0-9][a-z0-9-]*$/);
const json = z.record(z.string(), z.unknown());
const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);

// What is told of a step before it is taken.
const told = { id: slug, title: z.string().optional() };

const sending = {
  ...told,
  from: code,
  /** Several get a copy each, under one case id. */
  to: z.union([code, z.array(code).min(1)]),
  /** The step whose message this one answers: of its copies the one between the same two. */
  in_reply_to: slug.optional(),
  /** A label: steps that bear the same belong to one case, which the first of them opens. */
  case: slug.optional(),
  /** The step has to be refused, by the sender's node or the recipient's, with this code or reason. */
  refused: z
    .string()
    .regex(/^[A-Z_]+$/)
    .optional(),
  /** The state in which the step has to leave the case at both sides. */
  state: z
    .string()
    .regex(/^[A-Z_]+$/)
    .optional(),
};

/** The body as in a file for `message send`, with placeholders. */
const message = z.strictObject({ ...sending, message: json });

/** Hands over exhibits of the sender, as `evidence send` does; `transfer` is the rest of the message. */
const transfer = z.strictObject({ ...sending, case: slug, items: z.array(slug).min(1), transfer: json });

const file = z.strictObject({
  name: z.string(),
  type: z.string(),
  /** Its content: a text, or so many bytes that are always the same for one seed. */
  content: z.union([z.string(), z.strictObject({ bytes: z.number().int().positive(), seed: z.number().int() })]),
});

/** Describes an exhibit; then, in order, signs events into its chain of custody and takes in its files. */
const exhibit = z.strictObject({
  ...told,
  at: code,
  case: slug,
  exhibit: json,
  then: z.array(z.union([z.strictObject({ custody: json }), z.strictObject({ file })])).default([]),
});

/** Waits until the files of received exhibits are here and compared, takes each out, and holds it against the exhibit's own hashes. */
const fetching = z.strictObject({
  ...told,
  at: code,
  case: slug,
  fetch: z.array(slug).min(1),
  /** Of these, the content has to differ from what the exhibit says of itself. */
  differing: z.array(slug).default([]),
  /** The events that the chain of custody of each has to have by then, in their order. */
  chain: z.array(z.string()).optional(),
});

/** Asks the treaty registry, as of the day of the story. */
const basis = z.strictObject({
  ...told,
  basis: z.strictObject({ from: code, to: code, measure: z.enum(SUBJECTS), offences: z.array(z.string()).optional() }),
  /** What it has to propose, or to name beside that. */
  serves: slug,
  /** What has to fall away, and why. */
  falls: z.record(slug, z.string()).default({}),
});

/** Looks at a clock of the registry that runs in a case, at each of some nodes. */
const clock = z.strictObject({
  ...told,
  clock: z.string(),
  at: z.array(code).min(1),
  case: slug,
  /** How it has to stand. */
  is: z.string(),
  /** How long it has to give. */
  hours: z.number().positive().optional(),
});

const KINDS = { message, transfer, exhibit, fetch: fetching, basis, clock } as const;
type Kind = keyof typeof KINDS;
type StepOf<K extends Kind> = z.output<(typeof KINDS)[K]> & { readonly kind: K };

/** One message, or one copy for each of several recipients. */
export type MessageStep = StepOf<'message'>;
export type TransferStep = StepOf<'transfer'>;
export type ExhibitStep = StepOf<'exhibit'>;
export type FetchStep = StepOf<'fetch'>;
export type BasisStep = StepOf<'basis'>;
export type ClockStep = StepOf<'clock'>;
export type ScenarioStep = MessageStep | TransferStep | ExhibitStep | FetchStep | BasisStep | ClockStep;

/** A file of an exhibit. */
export type ScenarioFile = z.output<typeof file>;

const node = z.strictObject({ code, name: z.string().min(1), authority: z.string().min(1) });

/** A jurisdiction of a scenario. */
export type ScenarioNode = z.output<typeof node>;

export const scenarioSchema = z.strictObject({
  title: z.string().min(1),
  note: z.string().min(1),
  day: day.optional(),
  /** What several steps refer to by anchors; nothing reads it. */
  common: z.unknown().optional(),
  nodes: z.array(node),
  steps: z.array(json),
  ends: z.record(slug, z.string()).default({}),
});

/** A step by the member that makes it what it is; what is wrong with it, in words, when it is none. */
export function parseStep(value: Readonly<Record<string, unknown>>): ScenarioStep | string {
  const kind = (Object.keys(KINDS) as Kind[]).find((name) => Object.hasOwn(value, name));
  if (kind === undefined) return `it has none of ${Object.keys(KINDS).join(', ')}`;
  const parsed = KINDS[kind].safeParse(value);
  if (parsed.success) return { ...parsed.data, kind } as ScenarioStep;
  const [issue] = parsed.error.issues;
  return `“${String(value['id'])}” ${issue!.path.join('.')}: ${issue!.message}`;
}

/** Everyone whom a step sends a copy to. */
export function recipientsOf({ to }: Pick<MessageStep, 'to'>): readonly JurisdictionCode[] {
  return typeof to === 'string' ? [to] : to;
}
