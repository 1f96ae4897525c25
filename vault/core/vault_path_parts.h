// Paths inside a vault, as the calls of Vault take them: "a/b"; empty parts are passed over.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep {

inline std::vector<std::string> path_parts(std::string_view path) {
    std::vector<std::string> out;
    for (std::size_t start = 0; start < path.size();) {
        const std::size_t end = std::min(path.find('/', start), path.size());
        if (end > start) out.emplace_back(path.substr(start, end - start));
        start = end + 1;
    }
    return out;
}

inline std::string joined_path(std::string_view directory, std::string_view name) {
    return directory.empty() ? std::string(name) : std::string(directory) + "/" + std::string(name);
}

}  // namespace lockstep
