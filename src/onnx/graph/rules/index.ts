import type { Rule } from '../nodeView.js';
import { ELEMENTWISE } from './elementwise.js';
import { LAYOUT } from './layout.js';
import { NORMALISATION } from './normalisation.js';
import { PRODUCTS } from './products.js';
import { REDUCTIONS } from './reductions.js';
import { WINDOWS } from './windows.js';

/** How nodes are read, by operator. */
export const RULES: ReadonlyMap<string, Rule> = new Map(
  [ELEMENTWISE, LAYOUT, NORMALISATION, PRODUCTS, REDUCTIONS, WINDOWS].flatMap((rules) => Object.entries(rules)),
);
