// Names of entries that another entry keeps from having their own: a pure function, the same on
// every device. Rule: vault/FORMAT.md, "Derived names".
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "vault/types.h"

namespace lockstep {

struct DerivedNameParts {
    std::string_view base;          // the name in the register
    std::string_view device_label;  // recorded with the version
    Stamp stamp;                    // of the version
    std::string_view mark;  // hex of the link id, or of the id that a sibling's fork would get
};

// The `attempt`-th name to try, from 0: the suffix alone; then with four digits of the mark more
// each time; when the mark is used up, with a number. At most kNameSizeMax bytes, never the base.
std::string derived_name(const DerivedNameParts& parts, std::size_t attempt);

// The `attempt`-th name to try for what comes back from the trash when its own name is taken, from
// 0.
std::string restored_name(std::string_view base, std::size_t attempt);

}  // namespace lockstep
