// What kernels over activations read and write, in f32. They compute in f32 either way: `vec4f(…)` where they read, `Stored4(…)` where they write.
alias Stored = f32;
alias Stored4 = vec4f;
