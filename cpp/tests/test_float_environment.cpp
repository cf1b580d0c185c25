// A caller that flushes subnormals to zero gets the same masks, and its own setting back.
#include <cstdint>
#include <vector>

#include "backend.h"
#include "check.h"
#include "encode.h"
#include "random.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using namespace maskrle;
using namespace maskrle::tests;

int main() {
  unsigned long long checks = 0;
#if defined(__x86_64__)
  constexpr std::int32_t kSide = 9;
  Random random(11);
  std::vector<float> values(kSide * kSide);
  for (float& value : values) value = random.unit() * 1e-40F;  // all subnormal
  MaskArray masks{};
  masks.data = reinterpret_cast<const std::byte*>(values.data());
  masks.count = 1;
  masks.channels = 1;
  masks.size = {kSide, kSide};
  masks.row_stride = kSide * sizeof(float);
  masks.column_stride = sizeof(float);
  const Box box{2, 3, 60, 80};
  const auto encoded = [&](Paste paste) {
    return encode(masks, &box, nullptr, {90, 70}, paste, 3e-41F);
  };
  constexpr unsigned kFlushToZero = 0x8040;  // FTZ and DAZ
  for (const Kernel* kernel : available_kernels()) {
    use_kernel(kernel->name);
    for (const Paste paste : {Paste::omz, Paste::model_api, Paste::tf, Paste::detectron2}) {
      const Batch expected = encoded(paste);
      const unsigned before = _mm_getcsr();
      _mm_setcsr(before | kFlushToZero);
      const Batch got = encoded(paste);
      const unsigned after = _mm_getcsr();
      _mm_setcsr(before);
      check(expected.areas()[0] > 0, "some pixels are on");
      check(got == expected, "the same mask with flush to zero");
      check((after & kFlushToZero) == kFlushToZero, "the caller's setting is kept");
      checks += 3;
    }
  }
#endif
  return report("float_environment", checks);
}
