// Handlers about how the daemon does: whether it answers, what is wrong, figures, what it has
// logged.
#include "base/log_levels.h"
#include "base/prometheus_text.h"
#include "daemon/control_context.h"
#include "daemon/doctor.h"
#include "daemon/json_response.h"
#include "daemon/metrics.h"
#include "daemon/relay_probe.h"

namespace lockstep {

namespace {

Result<HttpResponse> health(ControlContext&, const ApiRequest&) {
    return HttpResponse::json(200, R"({"status":"ok"})");
}

Result<HttpResponse> doctor(ControlContext& context, const ApiRequest&) {
    return json_response(200, examine(context));
}

Result<HttpResponse> metrics(ControlContext& context, const ApiRequest&) {
    api::StatusReport status;
    status.version = kVersion;
    status.relays = relays_in_use(context.services.config.get(), context.services.sync);
    for (const auto& vault : context.vaults.all()) status.vaults.push_back(vault->info());
    HttpResponse response =
        HttpResponse::text(200, metrics_text(status, daemon_figures(context, status)));
    response.content_type = PrometheusText::kContentType;
    return response;
}

Result<HttpResponse> log_lines(ControlContext&, const ApiRequest&) {
    api::LogLineList list;
    for (const LogRecord& record : recent_log_lines())
        list.lines.push_back({record.time_ms, std::string(log_level_name(record.level)),
                              record.area, record.message});
    return json_response(200, list);
}

}  // namespace

std::vector<Route> health_routes() {
    return {
        {"GET", "/healthz", health},
        {"GET", "/metrics", metrics},
        {"GET", "/v1/doctor", doctor},
        {"GET", "/v1/log", log_lines},
    };
}

}  // namespace lockstep
