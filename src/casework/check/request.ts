import type { Body, BodyType, Deadline, LegalBasis, MeasureType, Offence, Urgency } from '../../wire/mod.ts';
import { isField } from '../registry/field.ts';
import { isOccasion, type RequestFacts } from '../registry/rules.ts';
import type { When } from '../registry/schema.ts';
import { missingAt } from './field-path.ts';

/** A request inside a body: what rules look at, and where it stands. */
export interface RequestAt {
  /** The kind of message whose rules it has to keep. */
  readonly type: BodyType;
  readonly path: string;
  readonly value: object;
  readonly legal_basis: readonly LegalBasis[];
  readonly offences: readonly Offence[];
  readonly measures: readonly { readonly type: MeasureType; readonly path: string }[];
  readonly urgency: Urgency;
  readonly deadline: Deadline | undefined;
}

/** The request that a body makes, if it makes one. */
export function requestOf(body: Body): RequestAt | undefined {
  const { type } = body;
  if (type === 'assistance_request' || type === 'supplementary_request') {
    const [value, path] = type === 'assistance_request' ? [body.value, type] : [body.value.request, `${type}.request`];
    const { legal_basis, offences, urgency, deadline } = value;
    const measures = value.measures.map((measure, index) => ({
      type: measure.type,
      path: `${path}.measures[${index}].type`,
    }));
    return { type: 'assistance_request', path, value, legal_basis, offences, measures, urgency, deadline };
  }
  if (type === 'restraint_request' || type === 'confiscation_request') {
    const { legal_basis, offences } = body.value;
    const measure = type === 'restraint_request' ? 'PROVISIONAL' : 'ASSET_RECOVERY';
    const urgency = type === 'restraint_request' ? body.value.urgency : 'ROUTINE';
    const measures = [{ type: measure, path: type } as const];
    return { type, path: type, value: body.value, legal_basis, offences, measures, urgency, deadline: undefined };
  }
  return undefined;
}

/** The measures, offences and urgency of a request. */
export function factsOf({ measures, offences, urgency }: RequestAt): RequestFacts {
  return { measures: measures.map(({ type }) => type), offences: offences.map(({ iccs }) => iccs), urgency };
}

/** Whether a rule applies to a message, whose request is known or not. A rule about a field that the message cannot have does not. */
export function applies(
  when: When | undefined,
  message: BodyType,
  value: object,
  facts: RequestFacts | undefined,
): boolean {
  if (when === undefined) return true;
  const { has, lacks, ...occasion } = when;
  if (has !== undefined && (!isField(message, has) || missingAt(value, has).length > 0)) return false;
  if (lacks !== undefined && (!isField(message, lacks) || missingAt(value, lacks).length === 0)) return false;
  return facts === undefined ? Object.keys(occasion).length === 0 : isOccasion(occasion, facts);
}
