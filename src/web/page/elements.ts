/** An element that index.html has. */
export function element<T extends Element>(selector: string, kind: new () => T): T {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`index.html has no ${kind.name} ${selector}`);
  return found;
}
