// Below this, a new table costs more than what the old one holds.
const FEWEST_DELETED = 8;

/**
 * A map that lives long and whose entries do not: what is under way, what is waiting, what was used last. It keeps the order of insertion.
 *
 * V8's own `Map` leaves each table that it has outgrown linked to the next one. Once a collection of garbage has moved one of them to the
 * old generation, each that follows is held by the one before it, with the entries that it had, until the next collection of everything:
 * where entries come and go quickly that is most of what young collections then copy. So before the table would be outgrown by entries
 * that are gone, those that are left move to another `Map`, which nothing older knows of.
 */
export class TransientMap<K, V> {
  #map = new Map<K, V>();
  #deleted = 0;

  get size(): number {
    return this.#map.size;
  }

  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  set(key: K, value: V): void {
    this.#map.set(key, value);
  }

  /** Whether it was there. */
  delete(key: K): boolean {
    const wasThere = this.#map.delete(key);
    if (wasThere && ++this.#deleted >= Math.max(FEWEST_DELETED, this.#map.size)) this.#renew(new Map(this.#map));
    return wasThere;
  }

  clear(): void {
    this.#renew(new Map());
  }

  /** In the order of insertion; what is deleted meanwhile may still come. */
  keys(): MapIterator<K> {
    return this.#map.keys();
  }

  /** In the order of insertion; what is deleted meanwhile may still come. */
  values(): MapIterator<V> {
    return this.#map.values();
  }

  /** In the order of insertion; what is deleted meanwhile may still come. */
  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.#map.entries();
  }

  #renew(map: Map<K, V>): void {
    this.#map = map;
    this.#deleted = 0;
  }
}
