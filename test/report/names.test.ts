import fc from 'fast-check';
import { type ParserError, parse, type DefaultTreeAdapterTypes as Tree } from 'parse5';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { standaloneSvg } from '../../src/report/export.js';
import { html, tag, trusted } from '../../src/report/markup.js';
import { makeReport } from '../../src/report/report.js';
import type { ReportData } from '../../src/report/types.js';
import { readable } from '../../src/util/readable.js';
import { anyName, HARMFUL } from '../util/anyName.js';
import { sampleData } from './sample.js';

/** The sample with one name for everything that somebody can name. */
function dataNamed(name: string): ReportData {
  const data = sampleData();
  const { scene, study, worst } = data;
  const runs = data.runs.map((run, i) => ({ ...run, name: `${name}${i}`, recipe: name, size: name }));
  const picture = { ...scene.picture, name };
  return {
    ...data,
    title: name,
    version: name,
    data: { ...data.data, name, split: name, classes: [name, `${name}2`] },
    runs,
    shown: runs,
    scene: { ...scene, picture, rule: name },
    worst: worst && { run: runs[2], images: worst.images.map((image) => ({ ...image, picture })) },
    study: study && {
      ...study,
      plans: study.plans.map((plan) => ({
        ...plan,
        name,
        tables: plan.tables.map((table) => ({
          ...table,
          title: name,
          baseline: name,
          rows: table.rows.map((row, i) => ({
            ...row,
            method: `${name}${i}`,
            size: name,
            teacher: name,
            classes: Object.fromEntries([[name, Object.values(row.classes)[0]]]),
          })),
        })),
        curves: plan.curves.map((curve) => ({ ...curve, title: name, label: name })),
      })),
    },
  };
}

interface Reading {
  /** Names of elements and of their attributes, outside drawings. */
  outline: string[];
  /** Names of elements and of attributes within drawings, each once: a long name is drawn on more lines. */
  drawn: Set<string>;
  texts: string[];
  errors: string[];
}

/** Reads a page as browsers do. */
function read(page: string): Reading {
  const found: Reading = { outline: [], drawn: new Set(), texts: [], errors: [] };
  const walk = (node: Tree.Node, inDrawing: boolean) => {
    if ('value' in node) found.texts.push(node.value);
    if ('tagName' in node) {
      const names = [node.tagName, ...node.attrs.map((attribute) => attribute.name)];
      if (!inDrawing) found.outline.push(names.join(' '));
      else for (const name of names) found.drawn.add(name);
      found.texts.push(...node.attrs.map(({ value }) => value));
    }
    const isDrawing = inDrawing || ('tagName' in node && node.tagName === 'svg');
    if ('childNodes' in node) for (const child of node.childNodes) walk(child, isDrawing);
  };
  walk(parse(page, { onParseError: ({ code }: ParserError) => found.errors.push(code) }), false);
  return found;
}

const PLAIN = read(makeReport(dataNamed('a name of several words, drawn on two lines')).html);

test('whatever a class, plan, recipe, run, method or image is called, the page is the same but for the name', () => {
  expect(PLAIN.errors).toEqual([]);
  fc.assert(
    fc.property(anyName, (name) => {
      const { outline, drawn, texts, errors } = read(makeReport(dataNamed(name)).html);
      expect(errors).toEqual([]);
      expect(outline).toEqual(PLAIN.outline);
      expect([...drawn].filter((element) => !PLAIN.drawn.has(element))).toEqual([]);
      expect(texts.filter((text) => text.includes(readable(name))).length).toBeGreaterThan(30);
    }),
    {
      numRuns: 5,
      examples: [
        ['<script>window.PWNED=1</script>'],
        ['"><img src=x onerror="x()">'],
        ["' onload='x"],
        ['\u0000\u001b[31m\ud800\n\u202e'],
      ],
    },
  );
});

test('every figure is a drawing that a strict reader of XML takes, whatever its names are', async () => {
  await fc.assert(
    fc.asyncProperty(anyName, async (name) => {
      for (const figure of makeReport(dataNamed(name)).figures) {
        const svg = standaloneSvg(figure, 'light');
        expect(svg.replaceAll('\n', '')).not.toMatch(HARMFUL);
        expect((await sharp(Buffer.from(svg), { unlimited: true }).metadata()).format).toBe('svg');
      }
    }),
    { numRuns: 3, examples: [['</text><script>x</script>'], ['\u0000\u001b\uffff\ud800 var(--ink) ]]>']] },
  );
});

test('a name that looks like a colour stays as it is', () => {
  const [figure] = makeReport(dataNamed('var(--ink)')).figures;
  expect(standaloneSvg(figure, 'dark')).toContain('>var(--ink)');
});

test('markup is what html and tag make; everything else is escaped', () => {
  const name = `<a href='x' title="y">&`;
  const escaped = '&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;';
  expect(html`<p title="${name}">${[name, 1, html`<b>${name}</b>`]}</p>`.toString()).toBe(
    `<p title="${escaped}">${escaped}1<b>${escaped}</b></p>`,
  );
  expect(tag('text', { x: 1.005, fill: name, y: undefined }, name).toString()).toBe(
    `<text x="1" fill="${escaped}">${escaped}</text>`,
  );
  expect(html`${trusted('<br>')}${tag('g', {})}`.toString()).toBe('<br><g/>');
});
