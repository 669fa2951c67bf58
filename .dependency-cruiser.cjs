/** The import rule of the layers: a layer imports only layers above it in this list (and itself). */
const LAYERS = [
  'util',
  'mpi',
  'gpu',
  'tensor',
  'autograd',
  'ops',
  'regions',
  'losses',
  'detector',
  'data',
  'eval',
  'train',
  'study',
  'onnx',
  'tfjs',
  'report',
  'web',
  'cli',
];

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-circular-types',
      comment:
        'Circles of types neither, but for the pair of Tensor, which knows its device, and Device, which makes tensors.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { pathNot: '^src/tensor/tensor\\.ts$' } },
    },
    {
      name: 'src-stands-alone',
      comment: 'The product imports neither its tests nor its benches.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench)/' },
    },
    ...LAYERS.slice(0, -1).map((layer, index) => ({
      name: `layer-${layer}`,
      comment: `src/${layer}/ may import only ${[...LAYERS.slice(0, index), layer].join(', ')}.`,
      severity: 'error',
      from: { path: `^src/${layer}/` },
      to: { path: `^src/(index\\.ts|(${LAYERS.slice(index + 1).join('|')})/)` },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    exclude: { path: '\\.(wgsl|jsonschema)$' },
  },
};
