#include "vault/core/intake_quota.h"

#include <algorithm>

#include "base/codec.h"
#include "base/log.h"
#include "vault/crypto/hash.h"
#include "vault/limits.h"

namespace lockstep {
namespace {

constexpr std::size_t kStateSizeMax = kMiB;
constexpr std::size_t kIntakeDevicesMax = 4096;
constexpr std::int64_t kDayMs = 24LL * 3600'000;
constexpr auto kSaveInterval = std::chrono::seconds(30);

}  // namespace

IntakeQuota::IntakeQuota(Disk& disk, Clock& clock, fs::path file)
    : disk_(disk), clock_(clock), file_(std::move(file)) {
    load();
    is_kept_ = begun_ms_ != 0;
    if (!is_kept_) begun_ms_ = clock_.wall_ms();
}

Status IntakeQuota::keep_beginning() {
    if (is_kept_) return {};
    TRY_OK(disk_.make_directories(file_.parent_path()));
    return save();
}

// A clock that was set back begins a new day, too.
void IntakeQuota::roll(Allowance& allowance, std::int64_t now) const {
    const std::int64_t age = now - allowance.begun_ms;
    if (age >= 0 && age < kDayMs && now >= allowance.last_ms) return;
    const std::int64_t away = allowance.last_ms == 0 ? 0 : (now - allowance.last_ms) / kDayMs;
    allowance = Allowance();
    allowance.begun_ms = allowance.last_ms = now;
    allowance.days = static_cast<std::uint64_t>(std::clamp<std::int64_t>(away, 1, kIntakeDaysMax));
}

bool IntakeQuota::take(const DeviceId& device, std::uint64_t segments, std::uint64_t bytes) {
    const std::int64_t now = clock_.wall_ms();
    if (now < begun_ms_) begun_ms_ = now;
    if (bytes_per_day_ == 0 || now - begun_ms_ < kIntakeFreeMs) return true;
    if (!allowances_.contains(device) && allowances_.size() >= kIntakeDevicesMax) return true;
    Allowance& allowance = allowances_[device];
    roll(allowance, now);
    const bool fits = allowance.bytes + bytes <= bytes_per_day_ * allowance.days &&
                      allowance.segments + segments <= kMemberSegmentsPerDay * allowance.days;
    if (!allowance.is_free && !fits) {
        if (!allowance.is_refused) {
            allowance.is_refused = true;
            log_warning("vault", "device {} is held back: it has brought in {} bytes within a day",
                        device.to_hex().substr(0, 16), allowance.bytes);
            static_cast<void>(save().ok());
        }
        return false;
    }
    allowance.bytes += bytes;
    allowance.segments += segments;
    allowance.last_ms = now;
    if (clock_.steady() - saved_ >= kSaveInterval) static_cast<void>(save().ok());
    return true;
}

bool IntakeQuota::is_new_here() const {
    return clock_.wall_ms() - begun_ms_ < kDayMs;
}

std::vector<DeviceId> IntakeQuota::held_back() const {
    std::vector<DeviceId> out;
    const std::int64_t now = clock_.wall_ms();
    for (const auto& [device, allowance] : allowances_)
        if (allowance.is_refused && !allowance.is_free && now - allowance.begun_ms < kDayMs)
            out.push_back(device);
    return out;
}

Status IntakeQuota::let_in(const DeviceId& device) {
    const std::int64_t now = clock_.wall_ms();
    Allowance& allowance = allowances_[device];
    allowance = Allowance();
    allowance.begun_ms = allowance.last_ms = now;
    allowance.is_free = true;
    return save();
}

Status IntakeQuota::set_bytes_per_day(std::uint64_t bytes) {
    const std::uint64_t before = std::exchange(bytes_per_day_, bytes);
    Status saved = save();
    if (!saved.ok()) {
        bytes_per_day_ = before;
        return saved;
    }
    for (auto& [device, allowance] : allowances_) allowance.is_refused = false;
    return saved;
}

// u8 1 ‖ u64 begun ‖ u64 bytes per day ‖ u32 count ‖ count × (device [32] ‖ u64 begun ‖ u64 last ‖
// u64 days ‖ u64 bytes ‖ u64 segments ‖ u8 refused ‖ u8 free) ‖ BLAKE2b-256 of that
void IntakeQuota::load() {
    auto bytes = disk_.read_file(file_, kStateSizeMax);
    if (!bytes.ok()) return;
    Decoder in(*bytes);
    if (in.u8() != 1) in.fail("made by another version of Lockstep");
    const auto begun_ms = static_cast<std::int64_t>(in.u64());
    const std::uint64_t per_day = in.u64();
    std::map<DeviceId, Allowance> allowances;
    const std::uint32_t count = in.count(kIntakeDevicesMax, DeviceId::kSize + 42);
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        const DeviceId device = in.id<DeviceId>();
        Allowance& allowance = allowances[device];
        allowance.begun_ms = static_cast<std::int64_t>(in.u64());
        allowance.last_ms = static_cast<std::int64_t>(in.u64());
        allowance.days = std::clamp<std::uint64_t>(in.u64(), 1, kIntakeDaysMax);
        allowance.bytes = in.u64();
        allowance.segments = in.u64();
        allowance.is_refused = in.u8() == 1;
        allowance.is_free = in.u8() == 1;
    }
    const std::size_t end = in.position();
    const Hash256 sum = in.id<Hash256>();
    if (!in.finish().ok() || sum != blake2b(ByteView(*bytes).first(end))) return;
    begun_ms_ = begun_ms;
    bytes_per_day_ = per_day;
    allowances_ = std::move(allowances);
}

Status IntakeQuota::save() {
    saved_ = clock_.steady();
    Encoder out;
    out.u8(1).u64(static_cast<std::uint64_t>(begun_ms_)).u64(bytes_per_day_);
    out.u32(static_cast<std::uint32_t>(allowances_.size()));
    for (const auto& [device, allowance] : allowances_) {
        out.id(device).u64(static_cast<std::uint64_t>(allowance.begun_ms));
        out.u64(static_cast<std::uint64_t>(allowance.last_ms)).u64(allowance.days);
        out.u64(allowance.bytes).u64(allowance.segments);
        out.u8(allowance.is_refused ? 1 : 0).u8(allowance.is_free ? 1 : 0);
    }
    const Hash256 sum = blake2b(out.view());
    out.id(sum);
    Status written = disk_.write_file_durably(file_, std::move(out).take());
    if (!written.ok())
        log_warning("vault", "what devices have brought in is not kept: {}",
                    written.error().message);
    is_kept_ = is_kept_ || written.ok();
    return written;
}

}  // namespace lockstep
