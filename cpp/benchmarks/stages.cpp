#include "stages.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

// The kernels once more, each as its kernel_*.cpp compiles it.
namespace maskrle::benchmarks {

namespace portable {
#include "../simd_halves.h"

#include "../kernel.inl"
#include "stages.inl"
}  // namespace portable

#if defined(__x86_64__)

namespace avx2 {
#define MASKRLE_TARGET "avx2,fma,bmi,bmi2,popcnt,lzcnt"
#include "../target_begin.h"

#include "../simd_avx2.h"

#include "../kernel.inl"
#include "stages.inl"

#include "../target_end.h"
}  // namespace avx2

namespace avx512 {
#define MASKRLE_TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi,bmi2,popcnt,lzcnt"
#include "../target_begin.h"

#include "../simd_avx512.h"

#include "../kernel.inl"
#include "stages.inl"

#include "../target_end.h"
}  // namespace avx512

namespace avx512vbmi2 {
#define MASKRLE_TARGET \
  "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,avx2,fma,bmi,bmi2,popcnt,lzcnt"
#define MASKRLE_VBMI2
#include "../target_begin.h"

#include "../simd_avx512.h"

#include "../kernel.inl"
#include "stages.inl"

#include "../target_end.h"
}  // namespace avx512vbmi2

#endif

std::vector<StagedKernel> staged_kernels() {
  const std::array all{
#if defined(__x86_64__)
      StagedKernel{&kAvx512Vbmi2Kernel, avx512vbmi2::run},
      StagedKernel{&kAvx512Kernel, avx512::run}, StagedKernel{&kAvx2Kernel, avx2::run},
#endif
      StagedKernel{&kPortableKernel, portable::run}};
  std::vector<StagedKernel> here;
  std::copy_if(all.begin(), all.end(), std::back_inserter(here),
               [](const StagedKernel& staged) { return staged.kernel->runs_here(); });
  return here;
}

}  // namespace maskrle::benchmarks
