import { codeOf, type Uuid } from '../base/mod.ts';
import type { Vault } from '../evidence/mod.ts';
import type { ExchangeContext } from './context.ts';
import { discardContent, failArrival } from './evidence-arrival.ts';
import { planReceive } from './evidence-handover.ts';
import { evidenceKeys, fileOf, type EvidenceRecord } from './evidence-record.ts';
import { tellIncidents } from './incident.ts';
import { decodeRecord } from './record.ts';

/**
 * Compares the plaintext of files that have arrived with the digest that was announced, one after another behind everything else. Nobody
 * gets to see a file before that.
 */
export class EvidenceVerifier {
  readonly #context: () => ExchangeContext;
  readonly #vault: Vault;
  readonly #onFailure: (error: unknown) => void;
  readonly #waiting = new Map<string, Promise<void>>();
  #last: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: {
    /** The context that holds this verifier: it exists by the time the first file is added. */
    readonly context: () => ExchangeContext;
    readonly vault: Vault;
    readonly onFailure: (error: unknown) => void;
  }) {
    this.#context = options.context;
    this.#vault = options.vault;
    this.#onFailure = options.onFailure;
  }

  /** Resolves when the file has been compared, whatever came of it. */
  add(fileId: string): Promise<void> {
    const known = this.#waiting.get(fileId);
    if (known !== undefined) return known;
    const verifying = this.#last
      .then(() => (this.#stopped ? undefined : this.#verify(fileId)))
      .catch(this.#onFailure)
      .finally(() => this.#waiting.delete(fileId));
    this.#waiting.set(fileId, verifying);
    this.#last = verifying;
    return verifying;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#last;
  }

  async #recordOf(fileId: string): Promise<EvidenceRecord | undefined> {
    const bytes = await this.#context().store.get(evidenceKeys.file(fileId));
    return bytes === undefined ? undefined : decodeRecord<EvidenceRecord>(bytes);
  }

  async #verify(fileId: string): Promise<void> {
    const context = this.#context();
    const record = await this.#recordOf(fileId);
    if (record?.status !== 'STORED' || record.verified_at !== undefined) return;
    const file = fileOf(record);
    try {
      await this.#vault.verify(file, () => {
        if (this.#stopped) throw new Stopped();
      });
    } catch (error) {
      if (error instanceof Stopped) return;
      // Deleted while it was read.
      if ((await this.#recordOf(fileId))?.status !== 'STORED') return;
      const code = codeOf(error);
      if (record.peer !== undefined && (code === 'EVIDENCE_STORE_FAILED' || code === 'EVIDENCE_UNKNOWN')) {
        // Compared at the next start, or when a person wants the file: it may have been put back by then, as after a restore.
        context.emit({
          kind: 'EVIDENCE_POSTPONED',
          time: context.clock.nowMs(),
          peer: record.peer,
          file_id: fileId as Uuid,
          code,
        });
        return;
      }
      if (code !== 'EVIDENCE_CORRUPT' || record.peer === undefined) throw error;
      await failArrival(context, record.peer, fileId, 'CORRUPT', 'its plaintext does not have the announced SHA-256');
      await discardContent(this.#vault, file);
      return;
    }
    const incidents = await context.committer.commit(async (view) => {
      const current = await view.getRecord<EvidenceRecord>(evidenceKeys.file(fileId));
      if (current?.status !== 'STORED') return [];
      const verified: EvidenceRecord = { ...current, verified_at: context.clock.nowMs() };
      view.putRecord(evidenceKeys.file(fileId), verified);
      return planReceive(context, view, verified);
    });
    context.failpoint('evidence.compared');
    tellIncidents(context, incidents);
    context.emit({
      kind: 'EVIDENCE_VERIFIED',
      time: context.clock.nowMs(),
      peer: record.peer!,
      file_id: fileId as Uuid,
    });
  }
}

class Stopped extends Error {}
