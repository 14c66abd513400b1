/** How far the files are that came or went with a message. Counts alone: who may follow a message through both ledgers may not read it. */
import { counted } from '../base/mod.ts';
import type { EvidenceAnswer, MessageDetail } from '../exchange/mod.ts';
import type { Node } from '../node/mod.ts';

/** Files of one message. */
export interface FilesAnswer {
  readonly count: number;
  readonly arrived: number;
  /** Those that will not come by themselves: refused, failed, or deleted before they arrived. */
  readonly stopped: number;
  /** Bytes of all of them, and of what is there. */
  readonly size: number;
  readonly bytes: number;
}

type State = 'ARRIVED' | 'STOPPED' | 'AWAITED';

/** @returns undefined for a message without files, and for one whose content is not here to say so */
export async function filesOf({ exchange }: Node, detail: MessageDetail): Promise<FilesAnswer | undefined> {
  const ids = new Set(namedIn(detail));
  if (ids.size === 0) return undefined;
  const { direction, peer } = detail.record;
  let answer: FilesAnswer | undefined;
  for (const file of await exchange.evidence.named(ids, peer)) {
    const { state, bytes } = direction === 'IN' ? stateHere(file) : stateThere(file, peer);
    const { count = 0, arrived = 0, stopped = 0, size = 0, bytes: before = 0 } = answer ?? {};
    answer = {
      count: count + 1,
      arrived: arrived + (state === 'ARRIVED' ? 1 : 0),
      stopped: stopped + (state === 'STOPPED' ? 1 : 0),
      size: size + file.size,
      bytes: before + (state === 'ARRIVED' ? file.size : bytes),
    };
  }
  return answer;
}

/** What happens next to files that have not all arrived; undefined when they have. */
export function filesText({ count, arrived, stopped }: FilesAnswer, detail: MessageDetail): string | undefined {
  const { direction, peer } = detail.record;
  const missing = count - arrived - stopped;
  const who = direction === 'IN' ? 'this node' : peer;
  const parts = [
    ...(missing === 0
      ? []
      : [`${who} fetches ${counted(missing, 'file')} by itself, whenever ${peer === who ? 'it' : peer} is connected`]),
    ...(stopped === 0 ? [] : [`${counted(stopped, 'file')} will not come`]),
  ];
  return parts.length === 0 ? undefined : `${parts.join('; ')}: “rogatory evidence list” shows each.`;
}

function namedIn({ content, record: { type } }: MessageDetail): string[] {
  if (content === undefined || type === undefined) return [];
  const { files = [], order } = content[type] as {
    readonly files?: readonly { readonly file_id: string }[];
    readonly order?: { readonly copy?: { readonly file_id: string } };
  };
  return [...files, ...(order?.copy === undefined ? [] : [order.copy])].map(({ file_id: id }) => id);
}

function stateHere({ status, complete_index: complete, progress }: EvidenceAnswer): { state: State; bytes: number } {
  if (complete !== undefined) return { state: 'ARRIVED', bytes: 0 };
  return { state: status === 'AWAITED' ? 'AWAITED' : 'STOPPED', bytes: progress?.bytes ?? 0 };
}

function stateThere({ offers }: EvidenceAnswer, peer: string): { state: State; bytes: number } {
  const offer = offers.find(({ peer: to }) => to === peer);
  if (offer?.status === 'COMPLETE') return { state: 'ARRIVED', bytes: 0 };
  return { state: offer?.status === 'OFFERED' ? 'AWAITED' : 'STOPPED', bytes: offer?.progress?.bytes ?? 0 };
}
