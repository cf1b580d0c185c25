// From here on, functions are compiled for MASKRLE_TARGET. No header of others may be included
// before target_end.h: its inline functions would be compiled for that instruction set too, and
// the linker might take them for the whole program.
#define MASKRLE_STRING(x) #x
#define MASKRLE_PRAGMA(x) _Pragma(MASKRLE_STRING(x))
#if defined(__clang__)
MASKRLE_PRAGMA(clang attribute push(__attribute__((target(MASKRLE_TARGET))), apply_to = function))
#else
MASKRLE_PRAGMA(GCC push_options)
MASKRLE_PRAGMA(GCC target(MASKRLE_TARGET))
#endif
