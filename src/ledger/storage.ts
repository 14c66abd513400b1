/** What the ledger needs of the node's store. The store's own port satisfies it; this room does not know which engine runs. */
export interface LedgerStorage {
  get(key: string): Promise<Uint8Array | undefined>;
  getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]>;
  /**
   * Writes all or nothing; rejects without writing when `expect` does not hold. Resolves when the batch is on disk, unless it is not
   * asked to be durable.
   */
  commit(batch: {
    readonly expect?: { readonly key: string; readonly value: Uint8Array | undefined } | undefined;
    readonly puts: readonly (readonly [key: string, value: Uint8Array])[];
    readonly deletes?: readonly string[] | undefined;
    readonly durable?: boolean | undefined;
  }): Promise<void>;
}

/** Where the ledger keeps things in the store. */
export const ledgerKeys = {
  /** {size, root}: what the next batch is conditional on. */
  head: 'ledger/head',
  /** A checkpoint that this ledger has signed, of its last start: by whose name on it the first of several keys is known. */
  checkpoint: 'ledger/checkpoint',
  /** The epoch, from the second one on. */
  epoch: 'ledger/epoch',
  /** Key id in hexadecimal of the key that signs, once it is another than the first. */
  signer: 'ledger/signer',
  /** 32 entries, once there are so many. */
  block: (index: number): string => `ledger/block/${String(index).padStart(16, '0')}`,
  /** The entries of one append, from this index on, until they are in a block. */
  run: (index: number): string => `ledger/run/${String(index).padStart(16, '0')}`,
  tile: (level: number, index: number): string => `ledger/tile/${level}/${String(index).padStart(16, '0')}`,
} as const;
