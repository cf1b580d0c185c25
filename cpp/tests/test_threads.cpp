// Many threads encode one array, on each kernel and while the kernel changes. ThreadSanitizer
// says what the comparison of the results does not.
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "backend.h"
#include "check.h"
#include "encode.h"
#include "random.h"

namespace {

using namespace maskrle;
using namespace maskrle::tests;

constexpr int kThreads = 8;
constexpr ImageSize kImage{300, 200};

template <typename Work>
void in_threads(Work work) {
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int k = 0; k < kThreads; ++k) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

int main() {
  constexpr std::int64_t kCount = 12;
  constexpr std::int32_t kSide = 33;
  Random random(5);
  std::vector<float> values(static_cast<std::size_t>(kCount * kSide * kSide));
  for (float& value : values) value = random.unit();
  std::vector<Box> boxes;
  for (std::int64_t i = 0; i < kCount; ++i) {
    const float x = random.unit() * 150.0F;
    const float y = random.unit() * 200.0F;
    boxes.push_back({x, y, x + random.unit() * 100.0F, y + random.unit() * 250.0F});
  }
  const MaskArray masks{std::as_bytes(std::span(values)).data(),
                        kCount,
                        1,
                        {kSide, kSide},
                        kSide * kSide * 4,
                        kSide * kSide * 4,
                        kSide * 4,
                        4,
                        Scalar::float32};
  const auto run = [&](Paste paste) {
    return encode(masks, boxes.data(), nullptr, kImage, paste, 0.5F);
  };

  std::atomic<int> wrong{0};
  unsigned long long checks = 0;
  in_threads([&] { static_cast<void>(active_kernel()); });  // all at the first choice
  for (const Paste paste : {Paste::omz, Paste::model_api, Paste::tf, Paste::detectron2}) {
    const Batch expected = run(paste);
    const auto repeat = [&] {
      for (int k = 0; k < 20; ++k) {
        if (!(run(paste) == expected)) ++wrong;
      }
    };
    for (const Kernel* kernel : available_kernels()) {
      use_kernel(kernel->name);
      in_threads(repeat);
      checks += 20 * kThreads;
    }
    std::atomic<bool> done{false};
    std::thread changer([&] {
      while (!done) {
        for (const Kernel* kernel : available_kernels()) use_kernel(kernel->name);
      }
    });
    in_threads(repeat);
    done = true;
    changer.join();
    checks += 20 * kThreads;
  }
  check(wrong == 0, std::to_string(wrong.load()) + " batches differ");
  return report("threads", checks);
}
