// RLEBatch: a batch's results in Python.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "batch.h"

namespace maskrle {

// uint8 [N, H, W], for a batch, a dict (then [H, W]) or an iterable of dicts.
pybind11::array decode(const pybind11::object& rles);

void define_batch(pybind11::module_& m);

}  // namespace maskrle
