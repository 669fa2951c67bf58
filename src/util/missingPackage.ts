/**
 * Says what is wrong with an optional dependency that cannot be imported.
 * @param what it does, for people
 * @param error that the import gave
 */
export function missingPackage(name: string, what: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const isMissing = (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && message.includes(`'${name}'`);
  if (isMissing) {
    return `the npm package ${name}, ${what}, is not installed (was npm run with --omit=optional?); npm install ${name}`;
  }
  const line = message.split('\n').find((text) => text.trim() !== '');
  return `the npm package ${name}, ${what}, does not load on ${process.platform} ${process.arch}: ${line}`;
}
