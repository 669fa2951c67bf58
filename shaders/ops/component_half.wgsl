enable f16;

alias Component = f16;
