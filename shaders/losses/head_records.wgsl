// What the passes over listed rows write of each, for head_terms.wgsl to add up; head_class.wgsl first, head_box.wgsl after it.
// Every row has its own words: a barrier, and whoever adds up within a workgroup, would cost software adapters more.
//
// Of each positive, in the order of the lists, RECORD words: coded losses (head_coded.wgsl) in the order of the terms up to
// RECORD_LOSSES, then the bits of its expected edges, in bins, and of its weights. From `params.other_records` on, where there is
// distillation in the VLR, of each other sample OTHER words: its coded losses of LD and of KD.

const RECORD = 13u;
const RECORD_QFL = 0u;
const RECORD_BOX = 1u;
const RECORD_DFL = 2u;
const RECORD_LD = 3u;
const RECORD_LD_VLR = 4u;
const RECORD_KD = 5u;
const RECORD_KD_VLR = 6u;
const RECORD_LOSSES = 7u;
const RECORD_EDGES = 7u;
/// of the box losses and of LD
const RECORD_BOX_WEIGHT = 11u;
const RECORD_LD_WEIGHT = 12u;

const OTHER = 2u;
const OTHER_LD = 0u;
const OTHER_KD = 1u;
