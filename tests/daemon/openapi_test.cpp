// The OpenAPI document names the router's paths and methods, and nothing else; every struct of the
// document is one of the codec's. The document is written one path, one method a line, so that no
// YAML parser is needed.
#include <algorithm>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include "daemon/control_context.h"

namespace lockstep {
namespace {

using Operations = std::set<std::string>;

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return text;
}

Operations documented() {
    const Operations methods = {"get", "put", "post", "delete"};
    Operations found;
    std::ifstream file(LOCKSTEP_SOURCE_DIR "/daemon/openapi.yaml");
    std::string line, path;
    while (std::getline(file, line) && line != "components:") {
        if (line.ends_with(':')) line.pop_back();
        if (line.starts_with("  /")) path = line.substr(2);
        if (line.starts_with("    ") && methods.contains(line.substr(4))) {
            EXPECT_TRUE(found.insert(upper(line.substr(4)) + " " + path).second) << line;
        }
    }
    return found;
}

TEST(OpenApiTest, DocumentAndRouterNameTheSameOperations) {
    Operations routed;
    for (const Route& route : control_routes()) {
        EXPECT_TRUE(
            routed.insert(std::string(route.method) + " " + std::string(route.pattern)).second);
    }
    EXPECT_EQ(documented(), routed);
    EXPECT_GT(routed.size(), 30U);
}

TEST(OpenApiTest, EveryRouteHasExactlyOneHandler) {
    for (const Route& route : control_routes()) {
        EXPECT_NE(route.answer == nullptr, route.answer_later == nullptr) << route.pattern;
    }
}

TEST(OpenApiTest, ApiMdTellsOfEveryPath) {
    std::ifstream file(LOCKSTEP_SOURCE_DIR "/daemon/API.md");
    const std::string text(std::istreambuf_iterator<char>(file), {});
    for (const Route& route : control_routes()) {
        const std::string operation = std::string(route.method) + " " + std::string(route.pattern);
        EXPECT_NE(text.find("`" + operation + "`"), std::string::npos) << operation;
    }
}

}  // namespace
}  // namespace lockstep
