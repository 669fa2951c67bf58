/** What the tests of kernels need of node:fs/promises, in a browser: Vite serves the repository. */
export async function readFile(path: string): Promise<Uint8Array> {
  const response = await fetch(`/${path}`);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
