#include "vault/core/rewrite_brake.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/codec.h"
#include "base/log.h"
#include "vault/crypto/hash.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr std::size_t kStateSizeMax = 4 * kMiB;
constexpr std::size_t kBrakedWritersMax = 4096;
constexpr std::size_t kHeldLogsMax = 4096;
constexpr std::size_t kRewritesMax = 20'000;  // of one writer
constexpr std::size_t kExamplesMax = 5;
constexpr std::size_t kNoiseSizeMin = 64;
constexpr std::size_t kNoiseSizeLooked = 16 * kKiB;
constexpr int kJudgeRoundsMax = 8;

std::uint64_t limit_of(std::uint64_t files) {
    return std::min(kRewrittenFilesMax,
                    std::max(kRewrittenFilesMin, files * kRewrittenPercentMax / 100));
}

// What can be said without looking into chunks.
std::optional<bool> known_noise(const Content& content) {
    if (content.size == 0 || content.size > kJudgedContentMax) return false;
    if (content.kind != Content::Kind::Inline) return std::nullopt;
    return looks_like_noise(content.inline_bytes) && !has_compressed_form(content.inline_bytes);
}

}  // namespace

// Two bytes of random ones are equal once in 256 times, of text once in 15, of Base64 once in 64.
bool looks_like_noise(ByteView bytes) {
    if (bytes.size() < kNoiseSizeMin) return false;
    bytes = bytes.first(std::min(bytes.size(), kNoiseSizeLooked));
    std::array<std::uint64_t, 256> counts{};
    for (const std::byte byte : bytes) ++counts[std::to_integer<std::size_t>(byte)];
    std::uint64_t equal_pairs = 0;
    for (const std::uint64_t count : counts) equal_pairs += count * (count - (count > 0 ? 1 : 0));
    const std::uint64_t pairs = bytes.size() * (bytes.size() - 1);
    return equal_pairs * 100 < pairs;
}

bool has_compressed_form(ByteView bytes) {
    using namespace std::string_view_literals;
    constexpr std::array kBeginnings{"\xff\xd8\xff"sv,
                                     "\x89PNG\r\n"sv,
                                     "GIF8"sv,
                                     "RIFF"sv,
                                     "PK\x03\x04"sv,
                                     "\x1f\x8b\x08"sv,
                                     "BZh"sv,
                                     "\xfd"
                                     "7zXZ\0"sv,
                                     "7z\xbc\xaf"sv,
                                     "Rar!"sv,
                                     "\x28\xb5\x2f\xfd"sv,
                                     "%PDF-"sv,
                                     "OggS"sv,
                                     "fLaC"sv,
                                     "ID3"sv,
                                     "\x1a\x45\xdf\xa3"sv,
                                     "II*\0"sv,
                                     "MM\0*"sv,
                                     "\0\0\0\x0cjP  "sv,
                                     "\xff\x0a"sv,
                                     "\xff\xfb"sv,
                                     "\x04\x22\x4d\x18"sv,
                                     "\x78\x01"sv,  // zlib, as objects of Git
                                     "\x78\x9c"sv,
                                     "\x78\xda"sv,
                                     "LZIP"sv,
                                     "wOF2"sv,
                                     "ITSF"sv};
    const std::string_view text = as_text(bytes);
    // An ISO media file (films, HEIC, AVIF) names its form behind a length.
    if (text.size() > 12 && text.substr(4, 4) == "ftyp") return true;
    return std::any_of(kBeginnings.begin(), kBeginnings.end(),
                       [&](std::string_view beginning) { return text.starts_with(beginning); });
}

RewriteBrake::RewriteBrake(Disk& disk, Clock& clock, fs::path file)
    : disk_(disk), clock_(clock), file_(std::move(file)) {
    MutexLock lock(mutex_);
    load();
    if (begun_ms_ != 0) return;
    begun_ms_ = clock_.wall_ms();
    keep();
}

// ---- counting

void RewriteBrake::note(const DeviceId& device, const VersionRecord& version,
                        const std::optional<Content>& before, bool is_long) {
    const bool is_new = version.replaces.empty() || (before && before->size == 0);
    if (!is_new && (!before || before->root == version.content.root)) return;
    Rewrite rewrite{.file = version.file,
                    .version = version.id,
                    .before = is_new ? Content() : *before,
                    .now = version.content,
                    .time_ms = version.stamp.wall_ms(),
                    .is_long = is_long};
    rewrite.is_new = is_new;
    rewrite.is_noise = known_noise(version.content);
    if (!is_new && before->size > kJudgedContentMax) rewrite.is_noise = false;
    rewrite.before.inline_bytes = {};
    rewrite.now.inline_bytes = {};

    MutexLock lock(mutex_);
    if (!is_on_ || rewrite.time_ms < begun_ms_) return;
    if (!writers_.contains(device) && writers_.size() >= kBrakedWritersMax) return;
    Writer& writer = writers_[device];
    if (rewrite.time_ms <= writer.free_until_ms) return;
    writer.newest_ms = std::max(writer.newest_ms, rewrite.time_ms);
    if (rewrite.is_noise.value_or(true) && (!is_new || !writer.deletions.empty())) ++noted_;
    auto known = writer.rewrites.find(rewrite.file);
    if (known == writer.rewrites.end()) {
        // New files leave room for rewritten ones.
        if (writer.rewrites.size() < (is_new ? kRewritesMax / 2 : kRewritesMax))
            writer.rewrites.emplace(rewrite.file, rewrite);
        return;
    }
    if (rewrite.time_ms - known->second.time_ms > kRewriteWindowMs) {
        known->second = rewrite;
        return;
    }
    // What the file was before the first of its rewrites is what counts; a file that was made
    // within the window is new.
    rewrite.is_new = known->second.is_new;
    rewrite.before = known->second.before;
    known->second = rewrite;
}

void RewriteBrake::note_deletion(const DeviceId& device, const FileId& file,
                                 const VersionId& version, const Content& content,
                                 std::int64_t time_ms) {
    Deletion deletion{.file = file, .version = version, .content = content, .time_ms = time_ms};
    deletion.is_noise = known_noise(content);
    deletion.content.inline_bytes = {};
    MutexLock lock(mutex_);
    if (!is_on_ || time_ms < begun_ms_) return;
    if (!writers_.contains(device) && writers_.size() >= kBrakedWritersMax) return;
    Writer& writer = writers_[device];
    if (time_ms <= writer.free_until_ms) return;
    writer.newest_ms = std::max(writer.newest_ms, time_ms);
    // What came and went within the window is nothing that was lost, and stands for nothing.
    const auto made = writer.rewrites.find(file);
    if (made != writer.rewrites.end() && made->second.is_new &&
        time_ms - made->second.time_ms <= kRewriteWindowMs)
        return void(writer.rewrites.erase(made));
    if (content.size < kNoiseSizeMin || deletion.is_noise.value_or(false)) return;
    ++noted_;
    if (writer.deletions.size() < kRewritesMax) writer.deletions.emplace(file, deletion);
}

void RewriteBrake::forget_old(Writer& writer) {
    const std::int64_t since_ms = writer.newest_ms - kRewriteWindowMs;
    std::erase_if(writer.rewrites,
                  [&](const auto& each) { return each.second.time_ms < since_ms; });
    std::erase_if(writer.deletions,
                  [&](const auto& each) { return each.second.time_ms < since_ms; });
}

// Each deleted file, the smallest first, with the smallest new one that is left and fits.
std::vector<RewriteBrake::Pair> RewriteBrake::pairs_of(const Writer& writer) {
    std::vector<std::pair<std::uint64_t, FileId>> made, deleted;
    for (const auto& [file, rewrite] : writer.rewrites)
        if (rewrite.is_new && rewrite.is_noise.value_or(true))
            made.emplace_back(rewrite.now.size, file);
    for (const auto& [file, deletion] : writer.deletions)
        if (!deletion.is_noise.value_or(false)) deleted.emplace_back(deletion.content.size, file);
    std::sort(made.begin(), made.end());
    std::sort(deleted.begin(), deleted.end());
    std::vector<Pair> out;
    auto next = made.begin();
    for (const auto& [size, file] : deleted) {
        while (next != made.end() && next->first < size) ++next;
        if (next == made.end()) break;
        if (next->first > size + size / 8 + kPairGrowthMax) continue;
        out.push_back({next->second, file});
        ++next;
    }
    return out;
}

// Looking into content is left out as long as there is no mass.
RewriteBrake::Suspects RewriteBrake::suspects_of(const Writer& writer, std::uint64_t limit) {
    Suspects out;
    for (const auto& [file, rewrite] : writer.rewrites)
        if (!rewrite.is_new && rewrite.is_noise.value_or(true)) out.made.push_back(rewrite);
    for (const Pair& pair : pairs_of(writer)) {
        out.made.push_back(writer.rewrites.at(pair.made));
        out.deleted.push_back(writer.deletions.at(pair.deleted));
    }
    if (out.made.size() <= limit) return {};
    return out;
}

RewriteBrake::Hold RewriteBrake::hold_of(const DeviceId& device, const Writer& writer) {
    Hold hold;
    hold.device = device;
    hold.since_ms = std::numeric_limits<std::int64_t>::max();
    const auto count = [&](const FileId& file, std::int64_t time_ms) {
        hold.since_ms = std::min(hold.since_ms, time_ms - 1);
        ++hold.files;
        if (hold.examples.size() < kExamplesMax) hold.examples.push_back(file);
    };
    for (const auto& [file, rewrite] : writer.rewrites)
        if (!rewrite.is_new && rewrite.is_noise.value_or(false)) count(file, rewrite.time_ms);
    for (const Pair& pair : pairs_of(writer)) {
        const Rewrite& made = writer.rewrites.at(pair.made);
        const Deletion& deleted = writer.deletions.at(pair.deleted);
        if (made.is_noise && deleted.is_noise)
            count(pair.made, std::min(made.time_ms, deleted.time_ms));
    }
    return hold;
}

bool RewriteBrake::holds_now(const DeviceId& device, std::uint64_t files, const Judge& judge) {
    // What is judged may leave others to be paired: each round judges something new, or ends.
    for (int round = 0; round < kJudgeRoundsMax; ++round) {
        Suspects suspects;
        {
            MutexLock lock(mutex_);
            auto at = writers_.find(device);
            if (at == writers_.end()) return false;
            if (at->second.is_held) return true;
            forget_old(at->second);
            suspects = suspects_of(at->second, limit_of(files));
        }
        if (suspects.made.empty()) return false;
        for (Rewrite& rewrite : suspects.made) {
            rewrite.is_noise = judge(rewrite);
        }
        for (Deletion& deletion : suspects.deleted) {
            if (!deletion.is_noise)
                deletion.is_noise = judge({.file = deletion.file,
                                           .version = deletion.version,
                                           .before = {},
                                           .now = deletion.content,
                                           .time_ms = deletion.time_ms,
                                           .is_new = true});
        }
        MutexLock lock(mutex_);
        Writer& writer = writers_[device];
        std::uint64_t is_other = 0;
        for (const Rewrite& rewrite : suspects.made)
            if (auto at = writer.rewrites.find(rewrite.file);
                at != writer.rewrites.end() && at->second.version == rewrite.version) {
                is_other += at->second.is_noise != rewrite.is_noise ? 1U : 0U;
                at->second.is_noise = rewrite.is_noise;
            }
        for (const Deletion& deletion : suspects.deleted)
            if (auto at = writer.deletions.find(deletion.file); at != writer.deletions.end()) {
                is_other += at->second.is_noise != deletion.is_noise ? 1U : 0U;
                at->second.is_noise = deletion.is_noise;
            }
        Hold hold = hold_of(device, writer);
        if (hold.files > limit_of(files)) {
            writer.is_held = true;
            writer.hold = std::move(hold);
            writer.logs.clear();
            log_warning("vault",
                        "the brake holds: {} files were rewritten to noise within ten minutes",
                        writer.hold.files);
            keep();
            return true;
        }
        if (is_other == 0) return false;
    }
    return false;
}

// ---- held, released

std::uint64_t RewriteBrake::noted() {
    MutexLock lock(mutex_);
    return noted_;
}

bool RewriteBrake::is_held(const DeviceId& device) {
    MutexLock lock(mutex_);
    auto at = writers_.find(device);
    return at != writers_.end() && at->second.is_held;
}

bool RewriteBrake::is_held(const DeviceId& device, const LogId& log, std::uint64_t number,
                           bool is_new) {
    MutexLock lock(mutex_);
    auto at = writers_.find(device);
    if (at == writers_.end() || !at->second.is_held) return false;
    auto [first, is_first] = at->second.logs.emplace(log, number);
    if (!is_first) return number >= first->second;
    if (!is_new || at->second.logs.size() > kHeldLogsMax) {
        at->second.logs.erase(first);
        return false;
    }
    keep();
    return true;
}

std::vector<RewriteBrake::Hold> RewriteBrake::holds() {
    MutexLock lock(mutex_);
    std::vector<Hold> out;
    for (const auto& [device, writer] : writers_)
        if (writer.is_held) out.push_back(writer.hold);
    return out;
}

void RewriteBrake::release(const DeviceId& device) {
    MutexLock lock(mutex_);
    auto at = writers_.find(device);
    if (at == writers_.end() || !at->second.is_held) return;
    Writer& writer = at->second;
    writer.free_until_ms = std::max(clock_.wall_ms(), writer.newest_ms) + kRewriteGraceMs;
    writer.is_held = false;
    writer.rewrites.clear();
    writer.deletions.clear();
    writer.logs.clear();
    keep();
}

bool RewriteBrake::is_on() {
    MutexLock lock(mutex_);
    return is_on_;
}

Status RewriteBrake::set_on(bool is_on) {
    MutexLock lock(mutex_);
    if (is_on_ == is_on) return {};
    std::map<DeviceId, Writer> before;
    if (!is_on) before.swap(writers_);
    is_on_ = is_on;
    Status saved = save();
    if (saved.ok()) return saved;
    is_on_ = !is_on;
    if (!is_on) writers_.swap(before);
    return saved;
}

// ---- on the disk

// u8 1 ‖ u64 begun ‖ u8 on ‖ u32 count ‖ count × (device [32] ‖ u64 free until ‖ u8 held ‖ u64
// since ‖ u64 files ‖ u32 count ‖ count × file [16] ‖ u32 count ‖ count × (log [16] ‖ u64 number))
// ‖ BLAKE2b-256 of that
void RewriteBrake::load() {
    auto bytes = disk_.read_file(file_, kStateSizeMax);
    if (!bytes.ok()) return;
    Decoder in(*bytes);
    if (in.u8() != 1) in.fail("made by another version of Lockstep");
    const auto begun_ms = static_cast<std::int64_t>(in.u64());
    const bool is_on = in.u8() == 1;
    std::map<DeviceId, Writer> writers;
    const std::uint32_t count = in.count(kBrakedWritersMax, DeviceId::kSize);
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        const DeviceId device = in.id<DeviceId>();
        Writer& writer = writers[device];
        writer.free_until_ms = static_cast<std::int64_t>(in.u64());
        writer.is_held = in.u8() == 1;
        writer.hold.device = device;
        writer.hold.since_ms = static_cast<std::int64_t>(in.u64());
        writer.hold.files = in.u64();
        const std::uint32_t examples = in.count(kExamplesMax, FileId::kSize);
        for (std::uint32_t k = 0; k < examples && !in.failed(); ++k)
            writer.hold.examples.push_back(in.id<FileId>());
        const std::uint32_t logs = in.count(kHeldLogsMax, LogId::kSize + 8);
        for (std::uint32_t k = 0; k < logs && !in.failed(); ++k) {
            const LogId log = in.id<LogId>();
            writer.logs[log] = in.u64();
        }
    }
    const std::size_t end = in.position();
    const Hash256 sum = in.id<Hash256>();
    if (in.finish().ok() && sum == blake2b(ByteView(*bytes).first(end))) {
        begun_ms_ = begun_ms;
        is_on_ = is_on;
        writers_ = std::move(writers);
    } else {
        log_warning("vault", "what the brake holds is not known any more");
    }
}

Status RewriteBrake::save() {
    Encoder out;
    out.u8(1).u64(static_cast<std::uint64_t>(begun_ms_)).u8(is_on_ ? 1 : 0);
    std::uint32_t count = 0;
    for (const auto& [device, writer] : writers_)
        count += writer.is_held || writer.free_until_ms != 0 ? 1U : 0U;
    out.u32(count);
    for (const auto& [device, writer] : writers_) {
        if (!writer.is_held && writer.free_until_ms == 0) continue;
        out.id(device).u64(static_cast<std::uint64_t>(writer.free_until_ms));
        out.u8(writer.is_held ? 1 : 0).u64(static_cast<std::uint64_t>(writer.hold.since_ms));
        out.u64(writer.hold.files).u32(static_cast<std::uint32_t>(writer.hold.examples.size()));
        for (const FileId& file : writer.hold.examples) out.id(file);
        out.u32(static_cast<std::uint32_t>(writer.logs.size()));
        for (const auto& [log, number] : writer.logs) out.id(log).u64(number);
    }
    const Hash256 sum = blake2b(out.view());
    out.id(sum);
    return disk_.write_file_durably(file_, std::move(out).take());
}

// A disk that takes nothing keeps no brake over a restart, and stops nobody.
void RewriteBrake::keep() {
    if (Status saved = save(); !saved.ok())
        log_warning("vault", "what the brake holds is not kept: {}", saved.error().message);
}

}  // namespace lockstep
