// Fixed work for callgrind, which counts the instructions of each call of counted(): see
// instructions.py. Prints the compiler, the kernel and the name of each call's work.
#include <cstdint>
#include <cstdio>
#include <functional>
#include <utility>

#include "backend.h"
#include "encode.h"
#include "workload.h"

// Its name is what callgrind looks for.
extern "C" [[gnu::noinline]] void counted(const std::function<void()>& work) { work(); }

namespace {

using namespace maskrle;
using benchmarks::Workload;

constexpr ImageSize kUsual{800, 1365};

void count(const char* name, const std::function<void()>& work) {
  std::printf("%s\n", name);
  counted(work);
}

Workload scene(ImageSize image) {
  return benchmarks::coco_like(100, image, 3, benchmarks::kSeeds[0]);
}

Batch encode_all(const Workload& work, const MaskArray& masks, Paste paste) {
  return encode(masks, work.boxes.data(), work.channels.data(), work.image, paste, 0.5F);
}

void count_encode(const char* name, const Workload& work, Paste paste) {
  count(name, [&] { encode_all(work, work.masks(), paste); });
}

void encode_one_by_one(const Workload& work) {
  MaskArray mask = work.masks();
  mask.count = 1;
  for (std::size_t i = 0; i < work.boxes.size(); ++i, mask.data += mask.count_stride) {
    encode(mask, &work.boxes[i], &work.channels[i], work.image, Paste::omz, 0.5F);
  }
}

void read_strings(const Batch& batch) {
  Batch read(batch.image(), batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) read.append(batch.string(i));
}

}  // namespace

int main() {
  std::printf("%s\n%s\n", MASKRLE_COMPILER, active_kernel().name);
  const Workload usual = scene(kUsual);
  count_encode("omz 800x1365", usual, Paste::omz);
  count_encode("model_api 800x1365", usual, Paste::model_api);
  count_encode("tf 800x1365", usual, Paste::tf);
  count_encode("detectron2 800x1365", usual, Paste::detectron2);
  count_encode("omz 480x640", scene({480, 640}), Paste::omz);
  count_encode("omz 2160x3840", scene({2160, 3840}), Paste::omz);
  count("omz 800x1365, a call for each mask", [&] { encode_one_by_one(usual); });
  MaskArray turned = usual.masks();
  std::swap(turned.row_stride, turned.column_stride);
  count("omz 800x1365, masks with columns first", [&] { encode_all(usual, turned, Paste::omz); });
  const Batch batch = encode_all(usual, usual.masks(), Paste::omz);
  count("strings of 800x1365 read again", [&] { read_strings(batch); });
  return 0;
}
