#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <utility>

#include "kernel.h"

namespace maskrle {
namespace portable {

#include "simd_halves.h"

#include "kernel.inl"

namespace {

bool runs_here() { return true; }

}  // namespace
}  // namespace portable

#if defined(__aarch64__)
#define MASKRLE_PORTABLE_NAME "neon"
#else
#define MASKRLE_PORTABLE_NAME "baseline"
#endif
const Kernel kPortableKernel{MASKRLE_PORTABLE_NAME, portable::runs_here, portable::select_channel,
                             portable::encode};

}  // namespace maskrle
