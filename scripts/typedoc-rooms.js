/**
 * A TypeDoc plugin: groups the API reference by topic. The topic of an export is the room of src/ that it is declared in, so
 * no docstring has to say it.
 */
import { CommentTag, Converter, DeclarationReflection, ReflectionKind } from 'typedoc';

/** Their order is that of `categoryOrder` in typedoc.json. */
const TOPICS = {
  losses: 'Losses and recipes',
  regions: 'Regions',
  tensor: 'Device and tensors',
  gpu: 'Device and tensors',
  autograd: 'Autograd',
  detector: 'Detector',
  train: 'Training',
  data: 'Data',
  eval: 'Evaluation',
  onnx: 'ONNX',
  tfjs: 'TensorFlow.js',
  web: 'Browser',
};

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const reflection of project.getReflectionsByKind(ReflectionKind.All)) {
      if (!(reflection instanceof DeclarationReflection) || reflection.parent?.kind !== ReflectionKind.Module) continue;
      const file = project.getSymbolIdFromReflection(reflection)?.packagePath;
      const topic = TOPICS[/^src\/(\w+)\//.exec(file ?? '')?.[1]];
      if (!topic) continue;
      for (const { comment } of [reflection, ...(reflection.signatures ?? [])]) {
        comment?.blockTags.push(new CommentTag('@category', [{ kind: 'text', text: topic }]));
      }
    }
  });
}
