#include "tests/support/temp_dir.h"

#include <cstdlib>

#include "base/check.h"

namespace lockstep {

TempDir::TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "lockstep-test-XXXXXX").string();
    CHECK(::mkdtemp(name.data()) != nullptr, "cannot make a temporary directory");
    path_ = name;
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace lockstep
