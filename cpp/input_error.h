// What is thrown where an argument is not as it must be.
#pragma once

#include <stdexcept>

namespace maskrle {

// Names the argument, the index and the value.
class InputError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

}  // namespace maskrle
