// Python's arguments -> the core's structures, or an error that names the argument.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <vector>

#include "convention.h"
#include "mask_array.h"

namespace maskrle {

// A view, never a copy: the array must outlive it.
MaskArray mask_array(const pybind11::object& masks);

std::vector<Box> box_vector(const pybind11::object& boxes, std::int64_t count);

// Empty where there is one channel only and none was given.
std::vector<std::int64_t> channel_vector(const pybind11::object& channels, std::int64_t count,
                                         std::int64_t mask_channels);

// Any two integers; the core checks their range.
ImageSize image_size_of(const pybind11::handle& object, const std::string& name);

Paste paste_of(const std::string& name);

// For messages.
std::string text(const pybind11::handle& object);
std::string type_name(const pybind11::handle& object);
[[noreturn]] void wrong_shape(const std::string& what, const pybind11::array& array);

}  // namespace maskrle
