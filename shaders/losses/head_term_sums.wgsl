// Sums of losses by invocation and term, for a workgroup of SIZE. Needs head_coded.wgsl and head_records.wgsl; `params` has level_count, the
// kernel binds `terms` and `faults`.

const SIZE = 128u;

struct Sum {
  loss: f32,
  /// ~location of the first bad loss, 0 where all are finite
  fault: u32,
}

// Sources of losses, of which an invocation adds up every SIZE-th. A source has up to two terms.
const SOURCE_STREAM = 0u;
const SOURCE_EVERYWHERE = 1u;
const SOURCE_IMITATION = 2u;
/// then two an image: its positives, and its other samples
const SOURCE_IMAGES = 3u;

struct Sums {
  first: Sum,
  second: Sum,
}

var<workgroup> lane_sums: array<f32, TERMS * SIZE>;
var<workgroup> lane_faults: array<u32, TERMS * SIZE>;

fn add(sum: ptr<function, Sum>, code: u32) {
  if (code > BAD) {
    (*sum).fault = max((*sum).fault, ~(code - BAD - 1u));
  } else {
    (*sum).loss += bitcast<f32>(code);
  }
}

fn keep(term: u32, local: u32, sum: Sum) {
  let at = term * SIZE + local;
  lane_sums[at] += sum.loss;
  lane_faults[at] = max(lane_faults[at], sum.fault);
}

/// In ascending order of sources: the order in which the losses of a term are added.
fn keep_source(source: u32, sums: Sums, local: u32) {
  switch source {
    case SOURCE_STREAM: {
      keep(TERM_CLS, local, sums.first);
      keep(TERM_KD, local, sums.second);
    }
    case SOURCE_EVERYWHERE: {
      keep(TERM_LD, local, sums.first);
      keep(TERM_LD_IOU, local, sums.second);
    }
    case SOURCE_IMITATION: {
      keep(TERM_IM, local, sums.first);
    }
    default: {
      if ((source - SOURCE_IMAGES) % 2u == 0u) {
        keep(local % RECORDED, local, sums.first);
      } else {
        keep(TERM_LD_VLR, local, sums.first);
        keep(TERM_KD_NEG, local, sums.second);
      }
    }
  }
}

/// After all sources: a level's terms. An invocation a term: a single barrier, since software adapters pay dearly for each.
fn write_terms(level: u32, local: u32) {
  workgroupBarrier();
  if (local < TERMS) {
    var sum = 0.0;
    var fault = 0u;
    for (var i = local * SIZE; i < (local + 1u) * SIZE; i++) {
      sum += lane_sums[i];
      fault = max(fault, lane_faults[i]);
    }
    let at = local * params.level_count + level;
    terms[at] = bitcast<f32>(select(bitcast<u32>(sum), 0x7fc00000u, fault != 0u));
    faults[at] = fault;
  }
}
