// Included after kernel.inl, in its namespace and target region: its loop over blocks, cut short.

namespace {

// Whatever lies there has been computed.
inline void keep(const void* p) { asm volatile("" : : "r"(p) : "memory"); }

// A friend of the finders: the part of find() that evaluates mask rows.
struct FinderStages {
  template <Rule kRule, bool kFused>
  static void columns(CrossingFinder<kRule, kFused>& finder, const Taps& block,
                      const CrossingFinder<kRule, kFused>::Plan& plan, Lanes valid) {
    typename CrossingFinder<kRule, kFused>::Pass pass{
        ColumnOrder(plan.on ? valid : 0), splat(std::numeric_limits<float>::infinity()), {}, {}};
    store(finder.w_.offsets, splat(0.0F));
    std::uint64_t changed = finder.evaluate(block, finder.first_node_, plan.rows, valid, pass);
    keep(&changed);
    keep(&pass);
  }

  template <Rule kRule, bool kFused>
  static void columns(DenseFinder<kRule, kFused>& finder, const Taps& block,
                      const DenseFinder<kRule, kFused>::Plan&, Lanes valid) {
    using Finder = DenseFinder<kRule, kFused>;
    for (std::int32_t k = 0; k < finder.node_count_; ++k) {
      store(finder.blended_ + k * kLanes,
            blended_row<Finder::kBlendFused>(finder.mask_, block, finder.nodes_[k]));
    }
    Lanes near = 0;
    Lanes before = 0;
    for (std::int32_t base = 0; base < finder.count_; base += Finder::kTogether) {
      Lanes on[Finder::kTogether];
      std::uint64_t changed = finder.evaluate(base, valid, before, on, near);
      before = on[std::min(finder.count_ - base, Finder::kTogether) - 1];
      keep(&changed);
      keep(on);
    }
    keep(&near);
  }
};

template <typename Finder>
void run_blocks(Stage last, Workspace& workspace, const Placement& placement) {
  constexpr std::int64_t kTogether = 8;
  Finder finder(workspace, placement);
  Slots slots(workspace, 0);
  const Axis& axis = placement.x;
  for (std::int64_t begin = axis.begin; begin < axis.end; begin += kTogether * kLanes) {
    const std::int64_t end = std::min(begin + kTogether * kLanes, axis.end);
    Taps columns[kTogether];
    typename Finder::Plan plans[kTogether];
    for (std::int64_t x = begin, k = 0; x < end; x += kLanes, ++k) {
      columns[k] = taps<Finder::kAxisRule>(axis, x);
      plans[k] = finder.plan(columns[k]);
    }
    keep(columns);
    keep(plans);
    if (last == Stage::tables) continue;
    for (std::int64_t x = begin, k = 0; x < end; x += kLanes, ++k) {
      const Lanes valid = end - x >= kLanes ? kAllLanes : (1U << (end - x)) - 1;
      if (last == Stage::columns) {
        FinderStages::columns(finder, columns[k], plans[k], valid);
      } else {
        slots.clear();
        Lanes general = finder.find(columns[k], plans[k], valid, slots);
        keep(&general);
        keep(&slots);
      }
    }
  }
}

void run(Stage last, Workspace& workspace, const MaskArray& masks, const std::byte* source,
         const Box& box, Batch& batch) {
  select_channel(workspace, masks, source);
  if (last == Stage::select) return;
  const Placement placement = place(Paste::omz, box, batch.image(), masks.size, kThreshold);
  if (last == Stage::strings) {
    encode(workspace, placement, batch);
  } else if (placement.y.begin >= placement.y.end) {
    return;
  } else if (is_dense(placement.y)) {
    run_blocks<DenseFinder<Rule::cv2, true>>(last, workspace, placement);
  } else {
    run_blocks<CrossingFinder<Rule::cv2, true>>(last, workspace, placement);
  }
}

}  // namespace
