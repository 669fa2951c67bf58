import type { ImageSource } from '../data/source.js';
import { InputError } from '../util/error.js';
import { focusOf } from './focus.js';
import { type Shown, viewScene } from './scene.js';
import type { Scene } from './types.js';

/** Images that are looked at to choose one, unless a number is given: more would take minutes. */
const CANDIDATES = 128;

const RULE =
  'The image is the one with the object whose four edges the first detector finds most unequally sharp, among the objects that all of them find';

/**
 * The image that the figures draw on: that of `image`, or the one whose object in focus has the highest contrast, where every
 * detector finds one.
 * @throws InputError when no image has that id
 */
export async function chooseScene(
  shown: readonly Shown[],
  {
    source,
    image,
    candidates = CANDIDATES,
    hasTeacher,
  }: { source: ImageSource; image?: number; candidates?: number; hasTeacher: boolean },
): Promise<Scene> {
  const view = (index: number, rule: string) => viewScene(shown, { source, index, rule, hasTeacher });
  if (image !== undefined) return view(await indexOf(source, image), 'The image was asked for.');
  const step = Math.max(1, source.length / candidates);
  const looked = Math.min(source.length, candidates);
  const rule = `${RULE} (${looked} of ${source.length} images looked at).`;
  let best: { scene: Scene; contrast: number } | undefined;
  for (let i = 0; i < looked; i++) {
    const scene = await view(Math.floor(i * step), rule);
    const contrast = focusOf(scene)?.contrast ?? -1;
    if (!best || contrast > best.contrast) best = { scene, contrast };
  }
  if (!best) throw new InputError('source: it holds no image.');
  return best.scene;
}

async function indexOf(source: ImageSource, id: number): Promise<number> {
  if ('dataset' in source) {
    const { images } = (source as ImageSource & { dataset: { images: { id: number }[] } }).dataset;
    const index = images.findIndex((image) => image.id === id);
    if (index >= 0) return index;
    const ids = images.slice(0, 8).map((image) => image.id);
    throw new InputError(
      `image: no image has the id ${id}; there are ${ids.join(', ')}${images.length > 8 ? ', …' : ''}.`,
    );
  }
  for (let index = 0; index < source.length; index++) if ((await source.load(index)).id === id) return index;
  throw new InputError(`image: no image has the id ${id}; there are 1 to ${source.length}.`);
}
