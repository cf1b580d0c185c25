// Time of the whole and of each stage, by kernel and box size: see docs/profiling.md.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "backend.h"
#include "encode.h"
#include "stages.h"
#include "workload.h"

namespace {

using namespace maskrle;
using namespace maskrle::benchmarks;

constexpr ImageSize kImage{800, 1365};
constexpr std::int64_t kMasks = 300;
constexpr std::int64_t kChannels = 3;

// Time that other programs take does not count.
double thread_seconds() {
  std::timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Many masks by turns, so that few branches are learned by heart; they stay in the caches.
class Work {
 public:
  Work(std::string name, Workload workload)
      : name_(std::move(name)),
        workload_(std::move(workload)),
        masks_(workload_.masks()),
        workspace_(masks_.size),
        batch_(encode_all()) {
    for (std::size_t i = 0; i < workload_.boxes.size(); ++i) {
      const Axis x = placement(i).x;
      columns_ += static_cast<double>(x.end - x.begin);
      runs_ += static_cast<double>(
          decode_counts(batch_.string(i), static_cast<std::uint64_t>(kImage.height * kImage.width))
              .size());
    }
  }

  const std::string& name() const { return name_; }

  Batch encode_all() const {
    return encode(masks_, workload_.boxes.data(), workload_.channels.data(), kImage, Paste::omz,
                  kThreshold);
  }

  void run_until(Stage last, const StagedKernel& staged) {
    Batch batch(kImage, last == Stage::strings ? workload_.boxes.size() : 0);
    for (std::size_t i = 0; i < workload_.boxes.size(); ++i) {
      staged.run(last, workspace_, masks_,
                 masks_.data + static_cast<std::int64_t>(i) * masks_.count_stride +
                     workload_.channels[i] * masks_.channel_stride,
                 workload_.boxes[i], batch);
    }
    benchmark::DoNotOptimize(batch.counts().data());
  }

  void report(benchmark::State& state) const {
    const auto time_for = [](double count) {
      return benchmark::Counter(
          count, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
    };
    state.counters["per_mask"] = time_for(static_cast<double>(workload_.boxes.size()));
    state.counters["per_run"] = time_for(runs_);
    state.counters["per_column"] = time_for(columns_);
  }

 private:
  Placement placement(std::size_t i) const {
    return place(Paste::omz, workload_.boxes[i], kImage, masks_.size, kThreshold);
  }

  std::string name_;
  Workload workload_;
  MaskArray masks_;
  Workspace workspace_;
  Batch batch_;
  double columns_ = 0.0, runs_ = 0.0;
};

void whole(benchmark::State& state, const Work& work, const char* kernel) {
  use_kernel(kernel);
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(work.encode_all());
  work.report(state);
}

void until(benchmark::State& state, Work& work, const StagedKernel& staged, Stage last) {
  for ([[maybe_unused]] auto _ : state) work.run_until(last, staged);
  work.report(state);
}

// A stage's own time is a difference, which noise makes nothing or less on a busy machine: as many
// iterations as a least time takes might never end.
constexpr int kOwnIterations = 200;

void own(benchmark::State& state, Work& work, const StagedKernel& staged, Stage stage) {
  const auto before = static_cast<Stage>(static_cast<int>(stage) - 1);
  for ([[maybe_unused]] auto _ : state) {
    const double begin = thread_seconds();
    work.run_until(before, staged);
    const double middle = thread_seconds();
    work.run_until(stage, staged);
    state.SetIterationTime((thread_seconds() - middle) - (middle - begin));
  }
  work.report(state);
}

std::vector<std::unique_ptr<Work>> works() {
  std::vector<std::unique_ptr<Work>> all;
  // The quantiles of COCO's boxes (see workload.h): p10, p50, p90, the largest; and all of them.
  for (const auto& [width, height] : {std::pair{28, 26}, {96, 86}, {647, 536}, {1308, 793}}) {
    all.push_back(
        std::make_unique<Work>(std::to_string(width) + "x" + std::to_string(height),
                               equal_boxes(kMasks, kImage, kChannels, static_cast<float>(width),
                                           static_cast<float>(height), kSeeds[0])));
  }
  all.push_back(std::make_unique<Work>("coco", coco_like(kMasks, kImage, kChannels, kSeeds[0])));
  return all;
}

void register_all(const StagedKernel& staged, Work& work) {
  const std::string prefix = std::string(staged.kernel->name) + "/" + work.name() + "/";
  for (std::size_t k = 0; k < kStageNames.size(); ++k) {
    const auto stage = static_cast<Stage>(k);
    if (stage != Stage::select) {
      benchmark::RegisterBenchmark(
          (prefix + kStageNames[k]).c_str(),
          [=, &work](benchmark::State& state) { own(state, work, staged, stage); })
          ->UseManualTime()
          ->Iterations(kOwnIterations);
    }
    const std::string name =
        stage == Stage::select ? "select" : std::string("until_") + kStageNames[k];
    benchmark::RegisterBenchmark((prefix + name).c_str(), [=, &work](benchmark::State& state) {
      until(state, work, staged, stage);
    });
  }
  benchmark::RegisterBenchmark((prefix + "whole").c_str(), [=, &work](benchmark::State& state) {
    whole(state, work, staged.kernel->name);
  });
}

}  // namespace

int main(int argc, char** argv) {
  std::string time = "--benchmark_min_time=0.1";  // there are many: seconds, if none are asked for
  std::vector<char*> arguments(argv, argv + argc);
  arguments.insert(arguments.begin() + 1, time.data());
  argc = static_cast<int>(arguments.size());
  benchmark::Initialize(&argc, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(argc, arguments.data())) return 1;
  const std::vector<std::unique_ptr<Work>> all = works();
  for (const StagedKernel& staged : staged_kernels()) {
    for (const std::unique_ptr<Work>& work : all) register_all(staged, *work);
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
