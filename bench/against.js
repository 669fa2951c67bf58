/** Compares the speed of this checkout with another commit, in turn: `npm run bench:against -- --help`. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';

const ROWS = ['head-loss', 'rows-ld-dfl', 'regions', 'train-step', 'train-step-ld'];
const ADAPTERS = ['auto', 'hardware', 'software', 'embedded', 'all'];

const command = new Command('npm run bench:against --')
  .description(
    'Lets rows of the bench take turns with those of another commit; exits with 1 where one is more than 3 % slower.',
  )
  .argument('<commit>', 'what to compare with')
  .argument('[rows...]', `rows of the bench; default: ${ROWS.join(', ')}`)
  .addOption(
    new Option('--adapter <kind>', 'what to run on; all: software, then embedded').choices(ADAPTERS).default('auto'),
  )
  .parse();
const [commit, ...names] = command.args;
const { adapter } = command.opts();

const OWN = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'edgewise-against-'));
const other = join(folder, 'checkout');

// Also after Ctrl+C.
process.on('exit', () => {
  if (existsSync(other)) git('worktree', 'remove', '--force', other);
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

try {
  const name = git('rev-parse', '--short', `${commit}^{commit}`);
  git('worktree', 'add', '--quiet', '--detach', other, commit);
  copyFileSync(join(OWN, 'bench/side.ts'), join(other, 'bench/side.ts'));
  addPackages();
  build(OWN, ['side', 'compare']);
  build(other, ['side']);
  const { compare, formatComparisons } = await import('../dist/bench/compare.js');
  const programs = { own: program(OWN), other: program(other) };
  for (const each of adapter === 'all' ? ['software', 'embedded'] : [adapter]) {
    const progress = (text) => console.error(`bench: ${text}`);
    const found = await compare({ ...programs, adapter: each, rows: names.length > 0 ? names : ROWS, progress });
    console.log(`adapter ${each}\n${formatComparisons(found, name)}\n`);
    if (found.some(({ isSlower }) => isSlower)) process.exitCode = 1;
  }
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}

function git(...given) {
  return execFileSync('git', given, { cwd: OWN, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}

/** Those installed here where they are all that the commit names; its own otherwise. */
function addPackages() {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(other, 'package.json'), 'utf8'));
  const isHere = (name) => existsSync(join(OWN, 'node_modules', name));
  if (Object.keys({ ...dependencies, ...devDependencies }).every(isHere)) {
    symlinkSync(join(OWN, 'node_modules'), join(other, 'node_modules'));
  } else {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: other, stdio: ['ignore', 2, 2] });
  }
}

/** Bundles files of a checkout's bench as that checkout does it, and packs SwiftShader where it comes with the package. */
function build(cwd, files) {
  const entryPoints = files.map((file) => `bench/${file}.ts`);
  const steps = [
    "const { bundle } = await import('./scripts/bundle.js');",
    `await bundle({ entryPoints: ${JSON.stringify(entryPoints)}, outdir: 'dist/bench', outbase: 'bench' });`,
  ];
  if (existsSync(join(cwd, 'scripts/swiftshader.js')) && !existsSync(join(cwd, 'dist/swiftshader'))) {
    steps.push("(await import('./scripts/swiftshader.js')).packSwiftShader('dist/swiftshader');");
  }
  execFileSync(process.execPath, ['--input-type=module', '--eval', steps.join('\n')], { cwd });
}

function program(checkout) {
  return [process.execPath, '--enable-source-maps', join(checkout, 'dist/bench/side.js')];
}
