/** A function that makes what it gives once for each name. */
export function once<T>(make: (name: string) => Promise<T>): (name?: string) => Promise<T> {
  const made = new Map<string, Promise<T>>();
  return (name = '') => {
    const promise = made.get(name) ?? make(name);
    made.set(name, promise);
    return promise;
  };
}
