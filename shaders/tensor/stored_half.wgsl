// The same in f16: half the memory, 11 bits of significand, up to 65504.
enable f16;

alias Stored = f16;
alias Stored4 = vec4h;
