import type { JurisdictionCode } from '../../base/mod.ts';
import { bodyTypeName, type Text, type Urgency } from '../../wire/mod.ts';
import type { Instrument } from '../registry/schema.ts';
import type { States } from '../registry/state.ts';
import type { CheckedDraft } from './check.ts';
import { textsOf } from './field-path.ts';
import { advice, type Finding } from './finding.ts';

/** Languages that a state accepts, and who says so. */
interface Accepted {
  readonly languages: readonly string[];
  readonly source: string;
  readonly confirmed: boolean;
}

// Urgencies for which an instrument may let a language pass that it otherwise does not.
const URGENT: ReadonlySet<Urgency | undefined> = new Set<Urgency>(['URGENT', 'EMERGENCY', 'FREEZE_NOW']);

/**
 * Words that the recipient is not bound to understand. Codes need no translation: every reader has them in the own language.
 * @see UNTOC art. 18(14); 1959 Convention art. 16
 */
export function languageFindings(
  instruments: readonly Instrument[],
  states: States,
  { body, to }: CheckedDraft,
  urgency: Urgency | undefined,
): Finding[] {
  const accepted = acceptedBy(instruments, states, to, URGENT.has(urgency));
  if (accepted === undefined) return [];
  const { languages } = accepted;
  return textsOf(bodyTypeName(body.type), body.value, '').flatMap(({ path, value }) => {
    if (isAccepted(value.lang, languages)) return [];
    const at = `${body.type}.${path}`;
    const usable = value.translations.filter(({ lang }) => isAccepted(lang, languages));
    if (usable.length === 0) {
      const message = `is in ${value.lang} without a translation; ${to} accepts ${languages.join(', ')}`;
      return [advice(at, 'LANGUAGE_NOT_ACCEPTED', message, accepted)];
    }
    return isVouchedFor(usable)
      ? []
      : [advice(at, 'MACHINE_TRANSLATION', `was translated for ${to} by a machine, and nobody certifies it`, accepted)];
  });
}

function acceptedBy(
  instruments: readonly Instrument[],
  states: States,
  to: JurisdictionCode,
  isUrgent: boolean,
): Accepted | undefined {
  const rules = instruments.flatMap(({ accepted_languages: list }) =>
    list.filter((rule) => rule.states?.includes(to) !== false && (isUrgent || !rule.only_if_urgent)),
  );
  const [first] = rules;
  if (first !== undefined) {
    return {
      languages: [...new Set(rules.map(({ lang }) => lang))],
      source: first.source,
      confirmed: rules.every(({ confirmed }) => confirmed),
    };
  }
  const languages = states.get(to)?.languages;
  return languages === undefined ? undefined : { languages, source: `official languages of ${to}`, confirmed: false };
}

// pt-BR is read where pt is accepted, and the other way round.
function isAccepted(lang: string, languages: readonly string[]): boolean {
  return languages.some((accepted) => lang.split('-')[0] === accepted.split('-')[0]);
}

function isVouchedFor(translations: Text['translations']): boolean {
  return translations.some(({ machine, certified_by: by }) => !machine || by !== undefined);
}
