// Texts that only the person may read, kept in a file where they said.
#pragma once

#include <QString>

#include "base/result.h"

namespace lockstep::gui {

// 0600, and never over a file that is there (Exists).
Status write_secret_file(const QString& file, const QString& text);

}  // namespace lockstep::gui
