// The errno that POSIX programs expect for each kind of error.
#pragma once

#include "base/result.h"

namespace lockstep {

// Positive, never 0.
int errno_of(ErrorKind kind);
// 0 for success.
int errno_of(const Status& status);

}  // namespace lockstep
