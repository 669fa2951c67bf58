import { expect, test } from 'vitest';
import { version } from '../../package.json';
import { edgewise, edgewiseProcess } from './cli.js';

test('help and version', async () => {
  expect(await edgewiseProcess(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  const help = await edgewise(['--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  const commands = ['train', 'distill', 'evaluate', 'regions', 'verify', 'demo', 'doctor', 'tune'];
  for (const command of commands) expect(help.stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
  for (const own of await Promise.all(commands.map((command) => edgewise([command, '--help'])))) {
    expect(own).toMatchObject({ code: 0, stderr: '' });
    expect(own.stdout).toMatch(/^ {2}--json /m);
    expect(own.stdout).toMatch(/^ {2}--adapter /m);
  }
});

test.each([
  [['frobnicate'], /unknown command 'frobnicate'/],
  [
    ['doctor', '--adapter', 'cloud'],
    /argument 'cloud' is invalid\. Allowed choices are auto, hardware, software, embedded/,
  ],
  [['train', 'shapes', '--epochs', '0'], /argument '0' is invalid\. Expected an integer from 1 to 1000000/],
  [['train', 'shapes', '--strides', '8,x'], /argument '8,x' is invalid/],
  [['tune', '--image-size', '320'], /argument '320' is invalid\. Expected width and height/],
  [['train', 'shapes', '--resume'], /--resume needs --out/],
  [['train', 'shapes', '--resume', '--out', 'x', '--epochs', '3'], /epochs does not go with --resume/],
  [['distill', 'shapes'], /required option '--teacher <run>' not specified/],
  [['evaluate'], /give either RUN and DATA, or --annotations and --detections/],
  [['evaluate', 'run', 'shapes', '--detections', 'x'], /give either RUN and DATA/],
])('wrong usage exits 2: %j', async (args, message) => {
  const [{ code, stdout, stderr }, json] = await Promise.all([edgewise(args), edgewise([...args, '--json'])]);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^edgewise: /);
  expect(stderr).toMatch(message);
  expect(json.code).toBe(2);
  expect(JSON.parse(json.stdout).error).toMatch(message);
});

test('doctor describes the adapter and tests it', async () => {
  const { code, stdout } = await edgewiseProcess(['doctor', '--no-tune', '--json']);
  expect(code).toBe(0);
  const found = JSON.parse(stdout);
  expect(found).toMatchObject({
    adapter: expect.any(String),
    kind: expect.stringMatching(/^(hardware|software|embedded)$/),
    backend: expect.any(String),
    source: expect.any(String),
    tuning: null,
    versions: { edgewise: version, webgpu: expect.stringMatching(/^\d+\.\d+\.\d+/) },
    limits: { maxStorageBuffersPerShaderStage: expect.any(Number) },
    features: expect.any(Array),
    selfTest: { passed: true },
  });
  const text = await edgewise(['doctor']);
  expect(text.code).toBe(0);
  expect(text.stdout).toContain(found.adapter);
  expect(text.stdout).toMatch(/self-test: passed in \d+ ms/);
});

test('without an adapter, doctor says what was looked for and how to get one', async () => {
  const none = { VK_DRIVER_FILES: '/nowhere.json', VK_ICD_FILENAMES: '/nowhere.json' };
  const { code, stdout, stderr } = await edgewiseProcess(['doctor', '--adapter', 'software'], none);
  expect([code, stdout]).toEqual([1, '']);
  // The Vulkan loader writes lines of its own before.
  expect(stderr).toMatch(/^edgewise: No WebGPU adapter was found \(asked for: software\)\./m);
  expect(stderr).toContain('To get one, use any of');
  const json = await edgewiseProcess(['doctor', '--adapter', 'software', '--json'], none);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout).error).toMatch(/^No WebGPU adapter was found/);
});
