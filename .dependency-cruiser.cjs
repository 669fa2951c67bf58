/** The import rule of the rooms: a room imports only rooms above it in this list (and itself). */
const ROOMS = [
  'util',
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
    ...ROOMS.slice(0, -1).map((room, index) => ({
      name: `room-${room}`,
      comment: `src/${room}/ may import only ${[...ROOMS.slice(0, index), room].join(', ')}.`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: `^src/(index\\.ts|(${ROOMS.slice(index + 1).join('|')})/)` },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    exclude: { path: '\\.(wgsl|jsonschema)$' },
  },
};
