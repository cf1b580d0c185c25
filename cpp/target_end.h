// Ends what target_begin.h began.
#if defined(__clang__)
MASKRLE_PRAGMA(clang attribute pop)
#else
MASKRLE_PRAGMA(GCC pop_options)
#endif
#undef MASKRLE_PRAGMA
#undef MASKRLE_STRING
#undef MASKRLE_TARGET
