#include "daemon/api/json_codec.h"

#include <set>
#include <type_traits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/api/json_fields_answers.h"
#include "daemon/api/json_fields_history.h"
#include "daemon/api/json_fields_keys.h"
#include "daemon/api/json_fields_wishes.h"

namespace lockstep::api {

namespace {

using Json = nlohmann::json;

// ---- encoding -----------------------------------------------------------------------------------

template <typename T>
Json to_json(const T& value);

struct Writer {
    Json& object;

    template <typename T>
    void operator()(const char* key, const T& value) {
        object[key] = to_json(value);
    }
    void operator()(const char* key, const SecretText& value) {
        if (!value.empty()) object[key] = value.reveal();
    }
    template <typename T>
    void operator()(const char* key, const std::optional<T>& value) {
        if (value) object[key] = to_json(*value);
    }
    template <typename T>
    void operator()(const char* key, const std::vector<T>& values) {
        Json list = Json::array();
        for (const T& value : values) list.push_back(to_json(value));
        object[key] = std::move(list);
    }
};

template <typename T>
Json to_json(const T& value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
        return Json(value);
    } else {
        Json object = Json::object();
        Writer writer{object};
        fields(writer, value);
        return object;
    }
}

// ---- decoding -----------------------------------------------------------------------------------

template <typename T>
bool from_json(Json& json, T& out, std::string& fault);

struct Reader {
    Json& object;
    std::string fault;
    std::set<std::string> known;

    template <typename T>
    void operator()(const char* key, T& out) {
        known.insert(key);
        auto found = object.find(key);
        if (found == object.end() || found->is_null() || !fault.empty()) return;
        std::string inner;
        if (!read(*found, out, inner)) {
            fault =
                fmt::format("'{}'{}{}", key, inner.empty() ? " has the wrong type" : ": ", inner);
        }
    }

    template <typename T>
    static bool read(Json& json, T& out, std::string& inner) {
        return from_json(json, out, inner);
    }
    static bool read(Json& json, SecretText& out, std::string&) {
        if (!json.is_string()) return false;
        auto& text = json.get_ref<std::string&>();
        out = SecretText(text);
        wipe(text);
        return true;
    }
    template <typename T>
    static bool read(Json& json, std::optional<T>& out, std::string& inner) {
        return from_json(json, out.emplace(), inner);
    }
    template <typename T>
    static bool read(Json& json, std::vector<T>& out, std::string& inner) {
        if (!json.is_array()) return false;
        out.clear();
        for (Json& item : json) {
            if (!from_json(item, out.emplace_back(), inner)) return false;
        }
        return true;
    }
};

template <typename T>
bool read_number(const Json& json, T& out, std::string& fault) {
    if (!json.is_number_integer()) return false;
    if constexpr (std::is_unsigned_v<T>) {
        if (json.is_number_unsigned() &&
            json.get<std::uint64_t>() <= std::numeric_limits<T>::max()) {
            out = static_cast<T>(json.get<std::uint64_t>());
            return true;
        }
    } else {
        const bool fits =
            !json.is_number_unsigned() ||
            json.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<T>::max());
        if (fits) {
            out = static_cast<T>(json.get<std::int64_t>());
            return true;
        }
    }
    fault = "is out of range";
    return false;
}

template <typename T>
bool from_json(Json& json, T& out, std::string& fault) {
    if constexpr (std::is_same_v<T, bool>) {
        if (!json.is_boolean()) return false;
        out = json.get<bool>();
        return true;
    } else if constexpr (std::is_arithmetic_v<T>) {
        return read_number(json, out, fault);
    } else if constexpr (std::is_same_v<T, std::string>) {
        if (!json.is_string()) return false;
        out = json.get<std::string>();
        return true;
    } else {
        if (!json.is_object()) return false;
        Reader reader{json, {}, {}};
        fields(reader, out);
        fault = std::move(reader.fault);
        return fault.empty();
    }
}

// Objects nest three deep at most here: deeper text is refused before it is built.
constexpr int kDepthMax = 16;

Json parse(std::string_view text) {
    return Json::parse(
        text.begin(), text.end(),
        [](int depth, Json::parse_event_t, Json&) { return depth <= kDepthMax; }, false);
}

template <typename T>
Result<T> decode_text(std::string_view text, bool is_strict) {
    Json json = text.empty() ? Json::object() : parse(text);
    if (!json.is_object()) return Error{ErrorKind::Invalid, "the body is no JSON object"};
    T out;
    Reader reader{json, {}, {}};
    fields(reader, out);
    if (!reader.fault.empty()) return Error{ErrorKind::Invalid, reader.fault};
    if (is_strict) {
        for (auto& [key, value] : json.items()) {
            if (!reader.known.contains(key)) {
                return Error{ErrorKind::Invalid, fmt::format("unknown key '{}'", key)};
            }
        }
    }
    return out;
}

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

template <typename T>
std::string encode(const T& value) {
    return dump(to_json(value));
}

template <typename T>
Result<T> decode(std::string_view text) {
    return decode_text<T>(text, false);
}

template <typename T>
Result<T> decode_request(std::string_view text) {
    return decode_text<T>(text, true);
}

std::string encode_error(const ErrorBody& error) {
    return dump(Json{{"error", to_json(error)}});
}

Error decode_error(int status, std::string_view body) {
    Json json = parse(body);
    if (json.is_object() && json.contains("error") && json["error"].is_object()) {
        ErrorBody error;
        Reader reader{json["error"], {}, {}};
        fields(reader, error);
        if (reader.fault.empty()) {
            return {error_kind(error.code).value_or(ErrorKind::Io), error.message};
        }
    }
    return {ErrorKind::Io, fmt::format("the daemon answered {} without saying why", status)};
}

#define LOCKSTEP_API_STRUCT(T)                           \
    template std::string encode<T>(const T&);            \
    template Result<T> decode<T>(std::string_view text); \
    template Result<T> decode_request<T>(std::string_view text);

LOCKSTEP_API_STRUCT(PeerInfo)
LOCKSTEP_API_STRUCT(MountInfo)
LOCKSTEP_API_STRUCT(MirrorInfo)
LOCKSTEP_API_STRUCT(HeldRewritesInfo)
LOCKSTEP_API_STRUCT(BrakeAnswer)
LOCKSTEP_API_STRUCT(SetBrake)
LOCKSTEP_API_STRUCT(UndoRewrites)
LOCKSTEP_API_STRUCT(MirrorList)
LOCKSTEP_API_STRUCT(IgnoreAnswer)
LOCKSTEP_API_STRUCT(AddMirror)
LOCKSTEP_API_STRUCT(RemoveMirror)
LOCKSTEP_API_STRUCT(TestIgnore)
LOCKSTEP_API_STRUCT(VaultInfo)
LOCKSTEP_API_STRUCT(RelayInfo)
LOCKSTEP_API_STRUCT(DeviceInfo)
LOCKSTEP_API_STRUCT(StatusReport)
LOCKSTEP_API_STRUCT(VaultList)
LOCKSTEP_API_STRUCT(VaultCreated)
LOCKSTEP_API_STRUCT(CheckAnswer)
LOCKSTEP_API_STRUCT(CollectAnswer)
LOCKSTEP_API_STRUCT(DeviceAnswer)
LOCKSTEP_API_STRUCT(ConflictList)
LOCKSTEP_API_STRUCT(ExplainAnswer)
LOCKSTEP_API_STRUCT(WaitAnswer)
LOCKSTEP_API_STRUCT(InviteInfo)
LOCKSTEP_API_STRUCT(InviteList)
LOCKSTEP_API_STRUCT(JoinInfo)
LOCKSTEP_API_STRUCT(DeviceList)
LOCKSTEP_API_STRUCT(RelayList)
LOCKSTEP_API_STRUCT(DoctorReport)
LOCKSTEP_API_STRUCT(LogLineList)
LOCKSTEP_API_STRUCT(EntryList)
LOCKSTEP_API_STRUCT(UploadInfo)
LOCKSTEP_API_STRUCT(ConfigValue)
LOCKSTEP_API_STRUCT(ConfigList)
LOCKSTEP_API_STRUCT(Event)
LOCKSTEP_API_STRUCT(CreateVault)
LOCKSTEP_API_STRUCT(OpenVault)
LOCKSTEP_API_STRUCT(UnlockVault)
LOCKSTEP_API_STRUCT(CheckVault)
LOCKSTEP_API_STRUCT(CollectVault)
LOCKSTEP_API_STRUCT(DeviceWish)
LOCKSTEP_API_STRUCT(LockVault)
LOCKSTEP_API_STRUCT(SetAutoLock)
LOCKSTEP_API_STRUCT(MountVault)
LOCKSTEP_API_STRUCT(UnmountVault)
LOCKSTEP_API_STRUCT(PauseSync)
LOCKSTEP_API_STRUCT(ResolveConflict)
LOCKSTEP_API_STRUCT(SetKeep)
LOCKSTEP_API_STRUCT(SetQuota)
LOCKSTEP_API_STRUCT(ResealAnswer)
LOCKSTEP_API_STRUCT(EvictContent)
LOCKSTEP_API_STRUCT(KeepAnswer)
LOCKSTEP_API_STRUCT(EvictAnswer)
LOCKSTEP_API_STRUCT(WhereisAnswer)
LOCKSTEP_API_STRUCT(HistoryAnswer)
LOCKSTEP_API_STRUCT(RestorePath)
LOCKSTEP_API_STRUCT(RestoreAnswer)
LOCKSTEP_API_STRUCT(DifferenceList)
LOCKSTEP_API_STRUCT(UndoWish)
LOCKSTEP_API_STRUCT(UndoAnswer)
LOCKSTEP_API_STRUCT(SnapshotInfo)
LOCKSTEP_API_STRUCT(SnapshotList)
LOCKSTEP_API_STRUCT(MakeSnapshot)
LOCKSTEP_API_STRUCT(RetentionAnswer)
LOCKSTEP_API_STRUCT(SetRetention)
LOCKSTEP_API_STRUCT(WaitForVault)
LOCKSTEP_API_STRUCT(CreateInvite)
LOCKSTEP_API_STRUCT(JoinVault)
LOCKSTEP_API_STRUCT(RenameDevice)
LOCKSTEP_API_STRUCT(RelayUrl)
LOCKSTEP_API_STRUCT(BeginUpload)
LOCKSTEP_API_STRUCT(PassphraseList)
LOCKSTEP_API_STRUCT(SetPassphrase)
LOCKSTEP_API_STRUCT(RemovePassphrase)
LOCKSTEP_API_STRUCT(RenewRecovery)
LOCKSTEP_API_STRUCT(RecoveryAnswer)
LOCKSTEP_API_STRUCT(TestRecovery)
LOCKSTEP_API_STRUCT(SetRole)
LOCKSTEP_API_STRUCT(ErrorBody)

#undef LOCKSTEP_API_STRUCT

}  // namespace lockstep::api
