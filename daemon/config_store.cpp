#include "daemon/config_store.h"

namespace lockstep {

Result<std::string> ConfigStore::read() const {
    if (!disk_.exists(file_)) return std::string();
    TRY(Bytes bytes, disk_.read_file(file_, api::kConfigSizeMax));
    return std::string(as_text(bytes));
}

Result<std::unique_ptr<ConfigStore>> ConfigStore::load(Disk& disk, std::filesystem::path file) {
    std::unique_ptr<ConfigStore> store(new ConfigStore(disk, std::move(file)));
    TRY(std::string text, store->read());
    TRY(api::Config config, api::parse_config(text));
    MutexLock lock(store->mutex_);
    store->text_ = std::move(text);
    store->config_ = std::move(config);
    return store;
}

api::Config ConfigStore::get() const {
    MutexLock lock(mutex_);
    return config_;
}

Status ConfigStore::update(const std::function<Status(api::Config&)>& change) {
    MutexLock lock(mutex_);
    api::Config changed = config_;
    TRY_OK(change(changed));
    TRY(std::string now, read());
    if (now != text_) {
        return Error{ErrorKind::Conflict,
                     file_.native() +
                         " was edited since lockstepd read it; reload or restart lockstepd "
                         "to take that over, then try again"};
    }
    // Without a change there is nothing to save: a vault is mounted again on a full disk, too.
    if (changed == config_) return {};
    std::string text = api::format_config(changed);
    // What we write must be what we would accept at the next start.
    if (auto again = api::parse_config(text); !again.ok()) return std::move(again).error();
    TRY_OK(disk_.write_file_durably(file_, as_bytes(text)));
    text_ = std::move(text);
    config_ = std::move(changed);
    return {};
}

Status ConfigStore::reload() {
    MutexLock lock(mutex_);
    TRY(std::string text, read());
    TRY(api::Config config, api::parse_config(text));
    if (config.vaults != config_.vaults)
        return Error{ErrorKind::Conflict, file_.native() +
                                              ": [[vault]] tables were changed by hand; restart "
                                              "lockstepd to take them over"};
    text_ = std::move(text);
    config_ = std::move(config);
    return {};
}

}  // namespace lockstep
