// A vault and plain files that may hold what it holds: packs put together here.
#include "vault/core/open_vault_secrets.h"
#include "vault/core/vault_impl.h"
#include "vault/meeting.h"

namespace lockstep {
namespace {

// After it has settled: other devices that know the same files may join, and be heard of, later.
constexpr auto kMeetingTime = std::chrono::minutes(2);
constexpr std::size_t kWindow = kMiB;

class VaultMeeting final : public Meeting {
  public:
    explicit VaultMeeting(VaultImpl& vault) : vault_(vault) {
        if (auto open = vault_.open_vault()) open->begin_meeting();
    }
    ~VaultMeeting() override { settle(); }
    bool has_others() override {
        Replica* const replica = vault_.replica();
        return replica != nullptr && replica->members().size() > 1;
    }
    Status learn(std::shared_ptr<const PlainFile> file,
                 const std::function<bool()>& is_stopping) override {
        auto open = vault_.open_vault();
        if (!open) return Error{ErrorKind::Locked, "the vault is locked"};
        return open->learn(std::move(file), is_stopping);
    }
    void all_learnt() override {
        if (auto open = vault_.open_vault()) open->all_learnt();
    }
    void settle() override {
        if (auto open = vault_.open_vault()) open->settle_meeting();
    }

  private:
    VaultImpl& vault_;
};

}  // namespace

std::unique_ptr<Meeting> begin_meeting(Vault& vault) {
    return std::make_unique<VaultMeeting>(static_cast<VaultImpl&>(vault));
}

void OpenVault::open_rebuilder() {
    rebuilder_ = std::make_unique<PackRebuilder>(PackRebuilder::Environment{
        .index = *index_,
        .presence = replica_.own_presence(),
        .ids = secrets_->ids,
        .vault = replica_.vault_id(),
        .others = *absent_,
        .pack_base_of = [this](const EpochId& epoch) -> const AnySecretKey* {
            const EpochKeys* keys = epoch_keys(epoch);
            return keys == nullptr ? nullptr : &keys->pack_base;
        },
        .is_here = [this](const ChunkId& id) { return content_->is_here(id); },
        .read_here = [this](ChunkKind kind,
                            const ChunkId& id) { return content_->get_if_here(kind, id); },
        .store = [this](const PackInfo& pack,
                        ByteView bytes) { return replica_.add_pack(pack, bytes); },
        .changed =
            [this] {
                // The others hear of what is here now.
                replica_.own_presence().unsettle();
                select_packs();
                content_->content_changed();
            }});
}

void OpenVault::begin_meeting() {
    {
        MutexLock lock(selection_mutex_);
        is_learning_ = is_meeting_ = true;
        meeting_ends_.reset();
    }
    replica_.own_presence().set_choosing(true);
    select_packs();
}

// In windows: the chunks are those that a sealer would cut.
Status OpenVault::learn(std::shared_ptr<const PlainFile> file,
                        const std::function<bool()>& is_stopping) {
    const std::uint64_t size = file->size();
    if (size <= kInlineContentSizeMax) return {};
    const std::uint32_t number = rebuilder_->add_file(file);
    Bytes window;
    std::uint64_t start = 0;
    for (std::uint64_t read_to = 0; start < size;) {
        if (is_stopping()) return Error{ErrorKind::Cancelled, "it is being stopped"};
        const std::size_t had = window.size();
        window.resize(had +
                      static_cast<std::size_t>(std::min<std::uint64_t>(kWindow, size - read_to)));
        TRY_OK(file->read(read_to, MutableByteView(window).subspan(had)));
        read_to += window.size() - had;
        std::vector<ByteView> chunks;
        std::size_t cut = 0;
        while (cut < window.size()) {
            const std::size_t length =
                secrets_->chunker.cut(ByteView(window).subspan(cut), read_to == size);
            if (length == 0) break;
            chunks.push_back(ByteView(window).subspan(cut, length));
            cut += length;
        }
        const std::vector<ChunkId> ids = secrets_->ids.chunk_ids(chunks);
        std::uint64_t offset = start;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            rebuilder_->learn(number, offset, ids[i], static_cast<std::uint32_t>(chunks[i].size()));
            offset += chunks[i].size();
        }
        start += cut;
        window.erase(window.begin(), window.begin() + static_cast<std::ptrdiff_t>(cut));
    }
    return {};
}

void OpenVault::all_learnt() {
    rebuilder_->all_learnt();
    {
        MutexLock lock(selection_mutex_);
        is_learning_ = false;
    }
    select_packs();
}

void OpenVault::settle_meeting() {
    {
        MutexLock lock(selection_mutex_);
        is_learning_ = false;
        if (!is_meeting_ || meeting_ends_) return;
        meeting_ends_ = std::chrono::steady_clock::now() + kMeetingTime;
    }
    rebuilder_->look_again();
    select_packs();
}

OpenVault::MeetingState OpenVault::meeting_state() {
    MutexLock lock(selection_mutex_);
    if (!is_meeting_) return MeetingState::None;
    if (is_learning_) return MeetingState::Learning;
    if (!meeting_ends_) return MeetingState::TakingIn;
    if (std::chrono::steady_clock::now() < *meeting_ends_ || !rebuilder_->is_idle())
        return MeetingState::Settled;
    is_meeting_ = false;
    return MeetingState::Over;
}

}  // namespace lockstep
