import type { DroppedFile } from '../protocol.js';

/** Files of a file input; where folders were chosen, with their paths. */
export function chosenFiles(list: Iterable<File>): DroppedFile[] {
  return Array.from(list, (file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** Everything that was dropped: files, and the files of folders with their paths. */
export async function droppedFiles({ items }: Pick<DataTransfer, 'items'>): Promise<DroppedFile[]> {
  // All at once: the list is empty after the event.
  const found = Array.from(items, (item) => {
    const entry = item.kind === 'file' ? item.webkitGetAsEntry() : null;
    const file = entry || item.kind !== 'file' ? null : item.getAsFile();
    return entry ? filesOf(entry) : file ? chosenFiles([file]) : [];
  });
  return (await Promise.all(found)).flat();
}

async function filesOf(entry: FileSystemEntry): Promise<DroppedFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ file, path: entry.fullPath.replace(/^\//, '') }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const files: DroppedFile[] = [];
  // A reader gives a hundred at a time, and an empty list at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return files;
    for (const inner of await Promise.all(some.map(filesOf))) for (const file of inner) files.push(file);
  }
}
