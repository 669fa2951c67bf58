/** The channels `first` .. `first + length` of one location of a level [B, channels, H, W], as a row. */
export interface RowPlace {
  image: number;
  channels: number;
  first: number;
  length: number;
  /** Locations of the level, H * W. */
  size: number;
  /** Row-major index of the location. */
  cell: number;
}

function at({ image, channels, first, size, cell }: RowPlace, k: number): number {
  return (image * channels + first + k) * size + cell;
}

export function readRow(values: ArrayLike<number>, place: RowPlace): Float64Array {
  return Float64Array.from({ length: place.length }, (_, k) => values[at(place, k)]);
}

/** values[place] += scale * row */
export function addRow(values: Float64Array, place: RowPlace, scale: number, row: ArrayLike<number>): void {
  for (let k = 0; k < place.length; k++) values[at(place, k)] += scale * row[k];
}
