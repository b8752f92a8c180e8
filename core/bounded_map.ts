/** A map whose oldest entries go where there are too many. */

/** Sets an entry as the newest one of a map of at most `max` entries. */
export function setNewest<Key, Value>(
  map: Map<Key, Value>,
  key: Key,
  { value, max }: { readonly value: Value; readonly max: number },
): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > max) map.delete(map.keys().next().value!);
}
