// OpenVault: which files are on their way to this device.
#include <algorithm>

#include "vault/core/open_vault_secrets.h"

namespace lockstep {
namespace {

using std::chrono::steady_clock;

// What one question may take; the next one goes on.
constexpr std::chrono::milliseconds kLookTime{100};

}  // namespace

// Content that comes without being asked for. Nullopt: the file is seen nowhere, or has none.
std::optional<OpenVault::Arriving> OpenVault::look_at_arriving(const FileId& file) {
    Arriving out;
    std::optional<Content> content;
    {
        MutexLock lock(mutex);
        const std::vector<std::string> paths = tree.paths({file, std::nullopt});
        content = tree.content(Node{file, std::nullopt});
        if (paths.empty() || !content || content->kind == Content::Kind::Inline)
            return std::nullopt;
        if (keep_of(Node{file, std::nullopt}) == Keep::OnDemand) return std::nullopt;
        out.path = paths.front();
    }
    out.size = content->size;
    out.absent_bytes = content_->absent_bytes(*content);
    if (out.absent_bytes == 0) return std::nullopt;
    return out;
}

// Goes on with a walk through the tree until the list is full, or the time is up.
void OpenVault::walk_for_arriving(std::vector<ArrivingFiles::Place>& walk,
                                  steady_clock::time_point until) {
    while (!walk.empty() && arriving_.has_room() && steady_clock::now() < until) {
        const ArrivingFiles::Place at = walk.back();
        std::vector<FileId> files, directories;
        constexpr std::size_t kEntriesAtOnce = 256;
        std::size_t listed = 0;
        {
            MutexLock lock(mutex);
            auto listing = tree.list(at.directory);
            if (listing.ok()) {
                listed = (*listing)->size();
                const std::size_t end = std::min(listed, at.next + kEntriesAtOnce);
                for (std::size_t i = at.next; i < end; ++i) {
                    const TreeListEntry& entry = (**listing)[i];
                    if (entry.type == FileType::Directory) directories.push_back(entry.node.file);
                    if (entry.type == FileType::Regular) files.push_back(entry.node.file);
                }
            }
        }
        walk.back().next += kEntriesAtOnce;
        if (walk.back().next >= listed) walk.pop_back();
        for (const FileId& directory : directories) walk.push_back({directory, 0});
        for (const FileId& file : files)
            if (arriving_.files().count(file) == 0 && look_at_arriving(file)) arriving_.add(file);
    }
}

std::vector<FileUnderWay> OpenVault::files_under_way(std::size_t max) {
    MutexLock lock(arriving_mutex_);
    std::vector<FileId> news;
    {
        MutexLock news_lock(mutex);
        news = std::exchange(may_arrive_, {});
    }
    if (!replica_.has_absent_packs()) {
        arriving_.clear();
        return {};
    }
    for (const FileId& file : news) arriving_.add(file);
    const auto begun = steady_clock::now();
    if (auto* walk = arriving_.walk(begun)) walk_for_arriving(*walk, begun + kLookTime);
    for (const FileId& file : arriving_.due(begun)) {
        const auto now = steady_clock::now();
        if (now >= begun + kLookTime * 2) break;
        if (const auto found = look_at_arriving(file))
            arriving_.note(file, found->size, found->absent_bytes, now, steady_clock::now());
        else
            arriving_.forget(file);
    }
    std::vector<FileUnderWay> out;
    MutexLock tree_lock(mutex);
    for (const auto& [file, state] : arriving_.files()) {
        if (!state.was_looked_at) continue;
        const std::vector<std::string> paths = tree.paths({file, std::nullopt});
        if (paths.empty()) continue;
        out.push_back({paths.front(), state.size, state.absent_bytes, state.rate});
    }
    // What has come furthest first; then by name, so that it stays where it is.
    const auto permille = [](const FileUnderWay& one) {
        return one.size == 0 ? 0
                             : (one.size - std::min(one.size, one.absent_bytes)) * 1000 / one.size;
    };
    std::ranges::sort(out, [&](const FileUnderWay& a, const FileUnderWay& b) {
        return std::pair(permille(b), std::string_view(a.path)) <
               std::pair(permille(a), std::string_view(b.path));
    });
    if (out.size() > max) out.resize(max);
    return out;
}

}  // namespace lockstep
