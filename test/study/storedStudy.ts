const HASH = '0123456789';

/** The files of a study of one run, by their paths, as the study writes them; the run's own are `storedRun`'s. */
export function storedStudy() {
  return {
    'study.json': {
      version: '0.1.0',
      adapter: { name: 'an adapter', kind: 'software', source: 'the system' },
      choices: {},
      data: { name: 'shapes', identity: 'abc', train: 6, validation: 4 },
    },
    'plans/small.json': {
      plan: {
        name: 'small',
        seeds: [0],
        student: { size: 'tiny' },
        settings: { epochs: 2 },
        teachers: {},
        methods: [{ name: 'plain', recipe: 'gfocal' }],
        tables: [{ title: 'All', baseline: 'plain', methods: [] }],
        curves: [{ title: 'Curve', label: 'x', x: { plain: 1 } }],
      },
      methods: [{ method: 'plain', size: 'tiny', teacher: null, hashes: [HASH] }],
    },
    [`runs/tiny-plain-s0-${HASH}/study-run.json` as const]: {
      name: 'tiny-plain',
      hash: HASH,
      size: 'tiny',
      recipe: 'gfocal',
      seed: 0,
      teacher: null,
      seconds: 3,
    },
  };
}
