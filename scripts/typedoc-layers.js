/**
 * A TypeDoc plugin: groups the API reference by topic. The topic of an export is the room of src/ that it is declared in, so
 * no docstring has to say it.
 */
import { Comment, CommentTag, Converter, DeclarationReflection, ReferenceReflection, ReflectionKind } from 'typedoc';

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
};

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const reflection of project.getReflectionsByKind(ReflectionKind.All)) {
      if (!(reflection instanceof DeclarationReflection) || reflection.parent?.kind !== ReflectionKind.Module) continue;
      // What a second entry point exports, too, is a reference.
      const isReference = reflection instanceof ReferenceReflection;
      const declared = isReference ? reflection.getTargetReflectionDeep() : reflection;
      const topic = TOPICS[/^src\/(\w+)\//.exec(project.getSymbolIdFromReflection(declared)?.packagePath ?? '')?.[1]];
      if (!topic) continue;
      if (isReference) reflection.comment = new Comment();
      for (const { comment } of [reflection, ...(reflection.signatures ?? [])]) {
        comment?.blockTags.push(new CommentTag('@category', [{ kind: 'text', text: topic }]));
      }
    }
  });
}
