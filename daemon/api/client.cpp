#include "daemon/api/client.h"

#include <charconv>

#include <fmt/format.h>

#include "base/http/url.h"
#include "daemon/api/json_codec.h"

namespace lockstep::api {

using std::chrono::milliseconds;

namespace {

// Key derivation at its dearest, checks of large vaults, unmounting: things that take minutes.
constexpr milliseconds kLongTimeout{30 * 60'000};
constexpr milliseconds kSlack{30'000};

std::string vault_path(const std::string& vault, std::string_view verb = {}) {
    std::string path = "/v1/vaults/" + percent_encode(vault);
    if (!verb.empty()) path.append("/").append(verb);
    return path;
}

Result<std::uint64_t> total_size(const HttpResponse& response) {
    const std::string* text = response.header("X-Lockstep-Size");
    std::uint64_t size = 0;
    if (text != nullptr) {
        auto [end, failure] = std::from_chars(text->data(), text->data() + text->size(), size);
        if (failure == std::errc{} && end == text->data() + text->size()) return size;
    }
    return Error{ErrorKind::Io, "the daemon did not say how large the file is"};
}

}  // namespace

DaemonClient::DaemonClient(std::filesystem::path socket, std::stop_token stop)
    : socket_(std::move(socket)), stop_(std::move(stop)), http_(HttpClient::over_unix(socket_)) {}

Result<HttpResponse> DaemonClient::send(Call call) {
    HttpRequest request;
    request.method = std::move(call.method);
    request.path = call.path;
    request.target = call.path;
    request.body = std::move(call.body);
    if (!request.body.empty()) request.headers.push_back({"Content-Type", "application/json"});
    if (!call.query.empty()) request.target += "?" + format_query(call.query);
    Result<HttpResponse> response = http_.request(request, call.timeout, stop_);
    wipe(request.body);
    if (response.ok()) return response;
    Error error = std::move(response).error();
    if (error.kind == ErrorKind::NotFound || error.kind == ErrorKind::Unavailable) {
        is_daemon_missing_ = true;
        return Error{
            ErrorKind::Unavailable,
            fmt::format("the daemon does not run (nobody answers on {})", socket_.native())};
    }
    return std::move(error).in("ask the daemon");
}

template <typename Answer>
Result<Answer> DaemonClient::ask(Call call) {
    TRY(HttpResponse response, send(std::move(call)));
    if (response.status >= 400) return decode_error(response.status, response.body);
    Result<Answer> answer = decode<Answer>(response.body);
    wipe(response.body);
    if (!answer.ok()) return std::move(answer).error().in("the daemon's answer");
    return answer;
}

Status DaemonClient::tell(Call call) {
    TRY(HttpResponse response, send(std::move(call)));
    if (response.status >= 400) return decode_error(response.status, response.body);
    return {};
}

Status DaemonClient::health() {
    return tell({"GET", "/healthz", {}, {}, milliseconds(5'000)});
}

Result<StatusReport> DaemonClient::status(const std::string& vault) {
    HttpFields query;
    if (!vault.empty()) query.push_back({"vault", vault});
    return ask<StatusReport>({"GET", "/v1/status", std::move(query), {}});
}

Result<DoctorReport> DaemonClient::doctor() {
    return ask<DoctorReport>({"GET", "/v1/doctor", {}, {}});
}

Result<LogLineList> DaemonClient::log() {
    return ask<LogLineList>({"GET", "/v1/log", {}, {}});
}

Result<std::string> DaemonClient::metrics() {
    TRY(HttpResponse response, send({"GET", "/metrics", {}, {}}));
    if (response.status >= 400) return decode_error(response.status, response.body);
    return std::move(response.body);
}

Result<VaultCreated> DaemonClient::create_vault(const CreateVault& request) {
    return ask<VaultCreated>({"POST", "/v1/vaults", {}, encode(request), kLongTimeout});
}

Result<VaultInfo> DaemonClient::open_vault(const OpenVault& request) {
    return ask<VaultInfo>({"POST", "/v1/vaults/open", {}, encode(request), kLongTimeout});
}

Result<VaultList> DaemonClient::vaults() {
    return ask<VaultList>({"GET", "/v1/vaults", {}, {}});
}

Result<VaultInfo> DaemonClient::vault(const std::string& vault) {
    return ask<VaultInfo>({"GET", vault_path(vault), {}, {}});
}

Status DaemonClient::remove_vault(const std::string& vault, bool delete_data) {
    HttpFields query;
    if (delete_data) query.push_back({"deleteData", "true"});
    return tell({"DELETE", vault_path(vault), std::move(query), {}, kLongTimeout});
}

Result<VaultInfo> DaemonClient::unlock(const std::string& vault, const UnlockVault& request) {
    return ask<VaultInfo>({"POST", vault_path(vault, "unlock"), {}, encode(request), kLongTimeout});
}

Result<VaultInfo> DaemonClient::lock(const std::string& vault, const LockVault& request) {
    return ask<VaultInfo>({"POST", vault_path(vault, "lock"), {}, encode(request), kLongTimeout});
}

Result<VaultInfo> DaemonClient::mount(const std::string& vault, const MountVault& request) {
    return ask<VaultInfo>({"POST", vault_path(vault, "mount"), {}, encode(request), kLongTimeout});
}

Result<VaultInfo> DaemonClient::unmount(const std::string& vault, const UnmountVault& request) {
    return ask<VaultInfo>(
        {"POST", vault_path(vault, "unmount"), {}, encode(request), kLongTimeout});
}

Result<MirrorList> DaemonClient::mirrors() {
    return ask<MirrorList>({"GET", "/v1/mirrors", {}, {}});
}

Result<MirrorInfo> DaemonClient::add_mirror(const std::string& vault, const AddMirror& request) {
    return ask<MirrorInfo>(
        {"POST", vault_path(vault, "mirrors"), {}, encode(request), kLongTimeout});
}

Status DaemonClient::remove_mirror(const RemoveMirror& request) {
    return tell({"POST", "/v1/mirrors/remove", {}, encode(request), kLongTimeout});
}

Result<IgnoreAnswer> DaemonClient::test_ignore(const TestIgnore& request) {
    return ask<IgnoreAnswer>({"POST", "/v1/mirrors/ignore-test", {}, encode(request)});
}

Result<BrakeAnswer> DaemonClient::brake(const std::string& vault) {
    return ask<BrakeAnswer>({"GET", vault_path(vault, "brake"), {}, {}});
}

Result<BrakeAnswer> DaemonClient::release_brake(const std::string& vault) {
    return ask<BrakeAnswer>({"POST", vault_path(vault, "brake/release"), {}, {}});
}

Result<UndoAnswer> DaemonClient::undo_brake(const std::string& vault, const UndoRewrites& request) {
    return ask<UndoAnswer>(
        {"POST", vault_path(vault, "brake/undo"), {}, encode(request), kLongTimeout});
}

Result<BrakeAnswer> DaemonClient::set_brake(const std::string& vault, const SetBrake& request) {
    return ask<BrakeAnswer>({"POST", vault_path(vault, "brake"), {}, encode(request)});
}

Result<CheckAnswer> DaemonClient::check(const std::string& vault, const CheckVault& request) {
    return ask<CheckAnswer>(
        {"POST", vault_path(vault, "check"), {}, encode(request), kLongTimeout});
}

Result<CollectAnswer> DaemonClient::collect(const std::string& vault, const CollectVault& request) {
    return ask<CollectAnswer>({"POST", vault_path(vault, "gc"), {}, encode(request), kLongTimeout});
}

Result<ConflictList> DaemonClient::conflicts(const std::string& vault) {
    return ask<ConflictList>({"GET", vault_path(vault, "conflicts"), {}, {}});
}

Status DaemonClient::resolve_conflict(const std::string& vault, const ResolveConflict& request) {
    return tell({"POST", vault_path(vault, "conflicts/resolve"), {}, encode(request)});
}

Result<ExplainAnswer> DaemonClient::explain(const std::string& vault, const std::string& path) {
    return ask<ExplainAnswer>({"GET", vault_path(vault, "explain"), {{"path", path}}, {}});
}

Result<KeepAnswer> DaemonClient::keep(const std::string& vault, const std::string& path) {
    return ask<KeepAnswer>({"GET", vault_path(vault, "keep"), {{"path", path}}, {}});
}

Result<KeepAnswer> DaemonClient::set_keep(const std::string& vault, const SetKeep& request) {
    return ask<KeepAnswer>({"PUT", vault_path(vault, "keep"), {}, encode(request)});
}

Result<SetQuota> DaemonClient::member_quota(const std::string& vault) {
    return ask<SetQuota>({"GET", vault_path(vault, "member-quota"), {}, {}});
}

Result<SetQuota> DaemonClient::set_member_quota(const std::string& vault, const SetQuota& request) {
    return ask<SetQuota>({"PUT", vault_path(vault, "member-quota"), {}, encode(request)});
}

Result<VaultInfo> DaemonClient::set_quota(const std::string& vault, const SetQuota& request) {
    return ask<VaultInfo>({"PUT", vault_path(vault, "quota"), {}, encode(request)});
}

Result<ResealAnswer> DaemonClient::reseal(const std::string& vault) {
    return ask<ResealAnswer>({"GET", vault_path(vault, "reseal"), {}, {}});
}

Result<EvictAnswer> DaemonClient::evict(const std::string& vault, const EvictContent& request) {
    return ask<EvictAnswer>(
        {"POST", vault_path(vault, "evict"), {}, encode(request), kLongTimeout});
}

Result<WhereisAnswer> DaemonClient::whereis(const std::string& vault, const std::string& path) {
    return ask<WhereisAnswer>(
        {"GET", vault_path(vault, "whereis"), {{"path", path}}, {}, kLongTimeout});
}

Result<HistoryAnswer> DaemonClient::history(const std::string& vault, const std::string& path) {
    return ask<HistoryAnswer>(
        {"GET", vault_path(vault, "history"), {{"path", path}}, {}, kLongTimeout});
}

Result<RestoreAnswer> DaemonClient::restore(const std::string& vault, const RestorePath& request) {
    return ask<RestoreAnswer>(
        {"POST", vault_path(vault, "restore"), {}, encode(request), kLongTimeout});
}

Result<DifferenceList> DaemonClient::difference(const std::string& vault, std::int64_t from_ms,
                                                std::optional<std::int64_t> to_ms) {
    HttpFields query{{"from", std::to_string(from_ms)}};
    if (to_ms) query.push_back({"to", std::to_string(*to_ms)});
    return ask<DifferenceList>(
        {"GET", vault_path(vault, "diff"), std::move(query), {}, kLongTimeout});
}

Result<UndoAnswer> DaemonClient::undo(const std::string& vault, const UndoWish& request) {
    return ask<UndoAnswer>({"POST", vault_path(vault, "undo"), {}, encode(request), kLongTimeout});
}

Result<SnapshotList> DaemonClient::snapshots(const std::string& vault) {
    return ask<SnapshotList>({"GET", vault_path(vault, "snapshots"), {}, {}});
}

Result<SnapshotInfo> DaemonClient::make_snapshot(const std::string& vault,
                                                 const MakeSnapshot& request) {
    return ask<SnapshotInfo>({"POST", vault_path(vault, "snapshots"), {}, encode(request)});
}

Status DaemonClient::remove_snapshot(const std::string& vault, const std::string& name) {
    return tell({"DELETE", vault_path(vault, "snapshots/") + percent_encode(name), {}, {}});
}

Result<RetentionAnswer> DaemonClient::retention(const std::string& vault) {
    return ask<RetentionAnswer>({"GET", vault_path(vault, "retention"), {}, {}});
}

Result<RetentionAnswer> DaemonClient::set_retention(const std::string& vault,
                                                    const SetRetention& request) {
    return ask<RetentionAnswer>({"PUT", vault_path(vault, "retention"), {}, encode(request)});
}

Result<VaultInfo> DaemonClient::set_auto_lock(const std::string& vault,
                                              const SetAutoLock& request) {
    return ask<VaultInfo>({"PUT", vault_path(vault, "autolock"), {}, encode(request)});
}

Status DaemonClient::pause(const std::string& vault, const PauseSync& request) {
    return tell(
        {"POST", vault.empty() ? "/v1/pause" : vault_path(vault, "pause"), {}, encode(request)});
}

Status DaemonClient::resume(const std::string& vault) {
    return tell({"POST", vault.empty() ? "/v1/resume" : vault_path(vault, "resume"), {}, {}});
}

Result<WaitAnswer> DaemonClient::wait(const std::string& vault, const WaitForVault& request) {
    return ask<WaitAnswer>({"POST",
                            vault_path(vault, "wait"),
                            {},
                            encode(request),
                            milliseconds(request.timeout_ms) + kSlack});
}

Result<InviteInfo> DaemonClient::create_invite(const std::string& vault,
                                               const CreateInvite& request) {
    return ask<InviteInfo>({"POST", vault_path(vault, "invites"), {}, encode(request)});
}

Result<InviteList> DaemonClient::invites() {
    return ask<InviteList>({"GET", "/v1/invites", {}, {}});
}

Result<InviteInfo> DaemonClient::invite(const std::string& id, const std::string& known_state,
                                        milliseconds wait) {
    return ask<InviteInfo>({"GET",
                            "/v1/invites/" + percent_encode(id),
                            {{"unless", known_state}, {"waitMs", std::to_string(wait.count())}},
                            {},
                            wait + kSlack});
}

Result<InviteInfo> DaemonClient::accept_invite(const std::string& id) {
    return ask<InviteInfo>({"POST", "/v1/invites/" + percent_encode(id) + "/accept", {}, {}});
}

Result<InviteInfo> DaemonClient::reject_invite(const std::string& id) {
    return ask<InviteInfo>({"POST", "/v1/invites/" + percent_encode(id) + "/reject", {}, {}});
}

Result<JoinInfo> DaemonClient::join(const JoinVault& request) {
    return ask<JoinInfo>({"POST", "/v1/joins", {}, encode(request)});
}

Result<JoinInfo> DaemonClient::join_state(const std::string& id, const std::string& known_state,
                                          milliseconds wait) {
    return ask<JoinInfo>({"GET",
                          "/v1/joins/" + percent_encode(id),
                          {{"unless", known_state}, {"waitMs", std::to_string(wait.count())}},
                          {},
                          wait + kSlack});
}

Status DaemonClient::cancel_join(const std::string& id) {
    return tell({"DELETE", "/v1/joins/" + percent_encode(id), {}, {}});
}

Result<DeviceList> DaemonClient::devices(const std::string& vault) {
    HttpFields query;
    if (!vault.empty()) query.push_back({"vault", vault});
    return ask<DeviceList>({"GET", "/v1/devices", std::move(query), {}});
}

Result<DeviceInfo> DaemonClient::rename_device(const std::string& id, const RenameDevice& request) {
    return ask<DeviceInfo>({"PUT", "/v1/devices/" + percent_encode(id), {}, encode(request)});
}

Result<PassphraseList> DaemonClient::passphrases(const std::string& vault) {
    return ask<PassphraseList>({"GET", vault_path(vault, "passphrases"), {}, {}});
}

Result<PassphraseList> DaemonClient::set_passphrase(const std::string& vault,
                                                    const SetPassphrase& request) {
    return ask<PassphraseList>(
        {"POST", vault_path(vault, "passphrases"), {}, encode(request), kLongTimeout});
}

Result<PassphraseList> DaemonClient::remove_passphrase(const std::string& vault,
                                                       const RemovePassphrase& request) {
    return ask<PassphraseList>(
        {"POST", vault_path(vault, "passphrases/remove"), {}, encode(request), kLongTimeout});
}

Result<RecoveryAnswer> DaemonClient::renew_recovery(const std::string& vault,
                                                    const RenewRecovery& request) {
    return ask<RecoveryAnswer>(
        {"POST", vault_path(vault, "recovery"), {}, encode(request), kLongTimeout});
}

Status DaemonClient::test_recovery(const std::string& vault, const TestRecovery& request) {
    return tell({"POST", vault_path(vault, "recovery/test"), {}, encode(request), kLongTimeout});
}

Result<VaultInfo> DaemonClient::rotate(const std::string& vault) {
    return ask<VaultInfo>({"POST", vault_path(vault, "rotate"), {}, {}, kLongTimeout});
}

Result<DeviceAnswer> DaemonClient::act_on_device(const std::string& id, const std::string& action,
                                                 const DeviceWish& request) {
    return ask<DeviceAnswer>({"POST",
                              "/v1/devices/" + percent_encode(id) + "/" + action,
                              {},
                              encode(request),
                              kLongTimeout});
}

Result<DeviceAnswer> DaemonClient::set_role(const std::string& device, const SetRole& request) {
    return ask<DeviceAnswer>({"POST",
                              "/v1/devices/" + percent_encode(device) + "/role",
                              {},
                              encode(request),
                              kLongTimeout});
}

Result<RelayList> DaemonClient::relays() {
    return ask<RelayList>({"GET", "/v1/relays", {}, {}});
}

Result<RelayList> DaemonClient::add_relay(const RelayUrl& request) {
    return ask<RelayList>({"POST", "/v1/relays", {}, encode(request)});
}

Result<RelayList> DaemonClient::remove_relay(const std::string& url) {
    return ask<RelayList>({"DELETE", "/v1/relays", {{"url", url}}, {}});
}

Result<RelayInfo> DaemonClient::test_relay(const RelayUrl& request) {
    return ask<RelayInfo>({"POST", "/v1/relays/test", {}, encode(request)});
}

namespace {

HttpFields place_query(const std::string& path, const DaemonClient::Moment& moment) {
    HttpFields query{{"path", path}};
    if (moment.at_ms) query.push_back({"at", std::to_string(*moment.at_ms)});
    if (!moment.version.empty()) query.push_back({"version", moment.version});
    return query;
}

}  // namespace

Result<EntryList> DaemonClient::list(const std::string& vault, const std::string& path,
                                     const Moment& moment) {
    return ask<EntryList>(
        {"GET", vault_path(vault, "files"), place_query(path, moment), {}, kLongTimeout});
}

Status DaemonClient::download(
    const std::string& vault, const std::string& path,
    const std::function<Status(ByteView block, std::uint64_t total)>& sink, const Moment& moment) {
    TRY(UploadInfo transfer,
        ask<UploadInfo>(
            {"POST", vault_path(vault, "downloads"), place_query(path, moment), {}, kLongTimeout}));
    const std::string transfer_path = vault_path(vault, "transfers/") + percent_encode(transfer.id);
    auto copy = [&]() -> Status {
        for (std::uint64_t offset = 0;;) {
            TRY(HttpResponse response, send({"GET",
                                             transfer_path,
                                             {{"offset", std::to_string(offset)}},
                                             {},
                                             kLongTimeout}));
            if (response.status >= 400) return decode_error(response.status, response.body);
            TRY(std::uint64_t total, total_size(response));
            if (response.body.empty()) return {};
            TRY_OK(sink(as_bytes(response.body), total));
            offset += response.body.size();
        }
    };
    Status copied = copy();
    Status closed = tell({"DELETE", transfer_path, {}, {}});
    return copied.ok() ? closed : copied;
}

Status DaemonClient::upload(const std::string& vault, const BeginUpload& request,
                            const std::function<Result<Bytes>()>& source) {
    TRY(UploadInfo transfer,
        ask<UploadInfo>({"POST", vault_path(vault, "uploads"), {}, encode(request)}));
    const std::string transfer_path = vault_path(vault, "transfers/") + percent_encode(transfer.id);
    auto copy = [&]() -> Status {
        for (std::uint64_t offset = 0;;) {
            TRY(Bytes block, source());
            if (block.empty()) break;
            TRY_OK(tell({"PUT",
                         transfer_path,
                         {{"offset", std::to_string(offset)}},
                         std::string(as_text(block)),
                         kLongTimeout}));
            offset += block.size();
        }
        return tell({"POST", transfer_path + "/finish", {}, {}, kLongTimeout});
    };
    Status copied = copy();
    if (copied.ok()) return copied;
    if (Status dropped = tell({"DELETE", transfer_path, {}, {}}); !dropped.ok()) return copied;
    return copied;
}

Result<ConfigList> DaemonClient::config() {
    return ask<ConfigList>({"GET", "/v1/config", {}, {}});
}

Result<ConfigList> DaemonClient::set_config(const ConfigValue& value) {
    return ask<ConfigList>({"PUT", "/v1/config", {}, encode(value)});
}

Status DaemonClient::events(std::uint64_t since,
                            const std::function<bool(const Event&)>& on_event) {
    HttpRequest request;
    request.path = "/v1/events";
    request.query = {{"since", std::to_string(since)}};
    HttpStreamOptions options;
    options.stop = stop_;
    options.idle_timeout = milliseconds(60'000);
    HttpResponse refusal;
    Status fault;
    Status ended = http_.stream_events(
        request,
        [&](const HttpEvent& event) {
            Result<Event> decoded = decode<Event>(event.data);
            if (!decoded.ok()) {
                fault = std::move(decoded).error().in("the daemon's event");
                return false;
            }
            return on_event(*decoded);
        },
        options, &refusal);
    if (!fault.ok()) return fault;
    if (ended.ok()) return ended;
    if (refusal.status >= 400) return decode_error(refusal.status, refusal.body);
    if (ended.error().kind == ErrorKind::NotFound || ended.error().kind == ErrorKind::Unavailable) {
        is_daemon_missing_ = true;
    }
    return ended;
}

}  // namespace lockstep::api
