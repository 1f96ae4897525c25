#include "daemon/router.h"

#include <gtest/gtest.h>

#include "daemon/api/json_codec.h"
#include "daemon/control_context.h"

namespace lockstep {
namespace {

Result<HttpResponse> first(ControlContext&, const ApiRequest&) {
    return HttpResponse::json(200, "1");
}
Result<HttpResponse> second(ControlContext&, const ApiRequest&) {
    return HttpResponse::json(200, "2");
}

Router sample() {
    return Router({{"GET", "/v1/things", first},
                   {"POST", "/v1/things/open", first},
                   {"GET", "/v1/things/{thing}", first},
                   {"DELETE", "/v1/things/{thing}", second},
                   {"POST", "/v1/things/{thing}/parts/{part}", second}});
}

TEST(RouterTest, AFixedPathIsFound) {
    const Router router = sample();
    Router::Match match = router.find("GET", {"v1", "things"});
    ASSERT_NE(match.route, nullptr);
    EXPECT_EQ(match.route->pattern, "/v1/things");
}

TEST(RouterTest, ParametersAreTaken) {
    const Router router = sample();
    Router::Match match = router.find("POST", {"v1", "things", "a/b", "parts", "7"});
    ASSERT_NE(match.route, nullptr);
    EXPECT_EQ(match.parameters.at("thing"), "a/b");
    EXPECT_EQ(match.parameters.at("part"), "7");
}

TEST(RouterTest, AnUnknownPathAndAWrongMethodAreToldApart) {
    const Router router = sample();
    EXPECT_FALSE(router.find("GET", {"v1", "other"}).is_known_path);
    EXPECT_FALSE(router.find("GET", {"v1", "things", "x", "y"}).is_known_path);
    EXPECT_FALSE(router.find("GET", {}).is_known_path);
    Router::Match match = router.find("PUT", {"v1", "things", "x"});
    EXPECT_EQ(match.route, nullptr);
    EXPECT_TRUE(match.is_known_path);
    EXPECT_EQ(match.methods.size(), 2U);
}

TEST(RouterTest, TheMethodChoosesAmongEqualPaths) {
    const Router router = sample();
    EXPECT_EQ(router.find("DELETE", {"v1", "things", "x"}).route->answer, &second);
}

TEST(RouterTest, QueryNumbersAreChecked) {
    HttpRequest http;
    http.query = {{"a", "12"}, {"b", "x"}, {"c", "18446744073709551616"}};
    const ApiRequest request{http, {}, "r1"};
    EXPECT_EQ(request.query_number("a", 0).value(), 12U);
    EXPECT_EQ(request.query_number("none", 7).value(), 7U);
    EXPECT_FALSE(request.query_number("b", 0).ok());
    EXPECT_FALSE(request.query_number("c", 0).ok());
}

TEST(RouterTest, AnErrorResponseSaysAllThatTheContractNames) {
    HttpResponse response = error_response({ErrorKind::Locked, "locked"}, "r9", "/v1/vaults/x");
    EXPECT_EQ(response.status, 423);
    for (const char* part : {R"("code":"locked")", R"("message":"locked")", R"("requestId":"r9")",
                             R"("resource":"/v1/vaults/x")", R"("timestamp":"20)"}) {
        EXPECT_NE(response.body.find(part), std::string::npos) << part;
    }
}

}  // namespace
}  // namespace lockstep
