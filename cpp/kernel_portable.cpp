#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "kernel.h"

namespace maskrle {
namespace portable {

#include "simd_portable.h"

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
