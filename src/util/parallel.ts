/** As many as keep the threads of Node's pool busy. */
const AT_ONCE = 16;

/** Does work on each of a list, several at once. @returns what it gave, in the order of the list */
export async function mapInParallel<T, R>(
  list: readonly T[],
  work: (one: T, index: number) => Promise<R>,
  atOnce = AT_ONCE,
): Promise<R[]> {
  const results = new Array<R>(list.length);
  let next = 0;
  const worker = async () => {
    while (next < list.length) {
      const index = next++;
      results[index] = await work(list[index], index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, list.length) }, worker));
  return results;
}
