/// Where the logits of a row lie: those of channel c at element first + c · step.
struct Line {
  first: u32,
  step: u32,
}
