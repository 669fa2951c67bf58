/** The one text of a mapping; see `npm run schemas`. What its fields say of each other: `checkMapping`. */
import { type TProperties, Type } from 'typebox';

const closed = <T extends TProperties>(fields: T, notes: { title?: string; description?: string } = {}) =>
  Type.Object(fields, { ...notes, additionalProperties: false });
const text = (description: string) => Type.String({ minLength: 1, description });
const strides = (description: string) =>
  Type.Array(Type.Integer({ minimum: 1 }), { minItems: 1, uniqueItems: true, description });

const part = Type.Enum(['boxes', 'classes'], {
  type: 'string', // without it `uniqueItems` needs code of Ajv at run time
  title: 'HeadPart',
  description:
    "A part of a tensor's channels: logits of the four edges, 4 · bins of them edge by edge, or a score for each class.",
});

const tensor = closed(
  {
    tensor: text(
      'Its name: an output of the model, or any tensor inside it; [Netron](https://netron.app) shows the names.',
    ),
    axes: Type.Enum(['BCHW', 'BHWC', 'BCA', 'BAC'], {
      description:
        'Batch, channels and rows and columns of one map, or all locations of all its levels, A, level by level and row by row.',
    }),
    strides: strides('The levels it holds, in its order, by their strides.'),
    channels: Type.Array(part, {
      minItems: 1,
      uniqueItems: true,
      description: 'What its channels are, in their order: `boxes` (4 · bins), `classes`.',
    }),
  },
  { title: 'MappedTensor', description: 'One tensor of the model.' },
);

export default closed(
  {
    input: closed(
      {
        name: Type.Optional(text("Of the model's input, to be sure; if left out, its only one.")),
        order: Type.Enum(['rgb', 'bgr'], { description: 'Of the channels.' }),
        white: Type.Enum([1, 255], { description: 'Pixels are 0 … 1 or 0 … 255 before `mean` and `deviation`.' }),
        mean: Type.Tuple([Type.Number(), Type.Number(), Type.Number()], {
          description: "Subtracted, in the model's order of channels.",
        }),
        deviation: Type.Tuple(
          [
            Type.Number({ exclusiveMinimum: 0 }),
            Type.Number({ exclusiveMinimum: 0 }),
            Type.Number({ exclusiveMinimum: 0 }),
          ],
          { description: 'Divided by after that.' },
        ),
      },
      { description: 'What the model takes.' },
    ),
    strides: strides('Pixels a cell of each level, finest first.'),
    bins: Type.Integer({
      minimum: 2,
      maximum: 64,
      description:
        "Of an edge's distribution: reg_max + 1 where bins stand for 0 … reg_max strides, and 16 for YOLOv8.",
    }),
    centreOffset: Type.Number({
      minimum: 0,
      maximum: 1,
      description: "Where distances are measured from: 0 is a cell's top left corner, 0.5 its middle.",
    }),
    scores: Type.Enum(['logits', 'probabilities'], {
      description: '`probabilities` where the model ends with a sigmoid.',
    }),
    tensors: Type.Array(tensor, {
      minItems: 1,
      description: 'Where boxes and classes are: together they hold both for every level.',
    }),
    features: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        uniqueItems: true,
        description:
          'For a student whose features are imitated: tensors [batch, channels, height, width] inside the model, one a level, of as many channels each.',
      }),
    ),
    classes: Type.Unsafe<string[] | number>({
      type: ['array', 'integer'],
      items: Type.String({ minLength: 1 }),
      minItems: 1,
      uniqueItems: true,
      minimum: 1,
      description: 'Names in the order of the channels, or their number.',
    }),
    classMap: Type.Optional(
      // Not `Record`: a name with a line's end does not match its pattern and would not be checked.
      Type.Unsafe<Record<string, string | number | null>>({
        type: 'object',
        additionalProperties: { type: ['string', 'integer', 'null'], minimum: 0 },
        description:
          'For classes of the data that the model calls otherwise: its name, its index from 0, or null where it does not know them; same names need no entry.',
      }),
    ),
  },
  {
    title: 'OnnxMapping',
    description: "How an ONNX model's inputs and outputs are to be understood: the mapping file of docs/onnx.md.",
  },
);
