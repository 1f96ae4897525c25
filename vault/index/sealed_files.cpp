#include "vault/index/sealed_files.h"

#include <algorithm>

#include "base/log.h"

namespace lockstep {
namespace {

constexpr std::size_t kPageBody = kIndexPageSize - kSealOverhead;
constexpr std::size_t kSealedHeaderSize = kWalHeaderSize + kSealOverhead;

Result<std::unique_ptr<DiskFile>> open_durably(const SealedFilesEnvironment& environment,
                                               const fs::path& path) {
    const bool is_new = !environment.disk.exists(path);
    TRY(auto file, environment.disk.open(path, OpenMode::Create));
    // A WAL that is synced must not lose its name when the database has begun to rely on it.
    if (is_new) TRY_OK(environment.disk.sync_directory(path.parent_path()));
    return file;
}

}  // namespace

// ---- what both files share

void SealedFiles::give_up(std::string_view why) {
    if (is_given_up_) return;
    is_given_up_ = true;
    log_info("index", "{}: it is removed, and made anew at the next unlock", why);
    // The database first: without it a WAL means nothing.
    is_removed_ = true;
    for (const fs::path& path : {environment_.path, environment_.wal_path()}) {
        if (!environment_.disk.exists(path)) continue;
        if (!environment_.disk.remove(path).ok()) is_removed_ = false;
    }
    if (!environment_.disk.sync_directory(environment_.path.parent_path()).ok())
        is_removed_ = false;
}

bool SealedFiles::has_hot_wal() const {
    auto file = environment_.disk.open(environment_.wal_path(), OpenMode::Read);
    if (!file.ok()) return false;
    auto size = (*file)->size();
    return size.ok() && *size > 0;
}

Error SealedFiles::damaged(const std::string& what) {
    Error error{ErrorKind::Corrupt,
                "index: " + what + " is damaged, or not of this vault and device"};
    give_up(error.message);
    return error;
}

SealedFile::SealedFile(SealedFiles& files, std::unique_ptr<DiskFile> file, std::uint64_t size,
                       ObjectType type)
    : files_(files), file_(std::move(file)), size_(size) {
    const std::array<std::byte, 8> number{};
    aad_ = associated_data({.type = type, .vault = files.environment().vault, .epoch = {}}, number);
}

ByteView SealedFile::aad(std::uint64_t number) {
    for (std::size_t i = 0; i < 8; ++i)
        aad_[aad_.size() - 8 + i] = static_cast<std::byte>((number >> (8 * i)) & 0xff);
    return aad_;
}

Status SealedFile::put(std::uint64_t offset, ByteView sealed) {
    if (files_.may_write()) {
        Status written = file_->write(offset, sealed);
        if (written.ok()) {
            if (auto at = unwritten_.find(offset); at != unwritten_.end()) {
                unwritten_bytes_ -= at->second.size();
                unwritten_.erase(at);
            }
            size_ = std::max(size_, offset + sealed.size());
            return {};
        }
        files_.give_up(written.error().message);
    }
    if (unwritten_bytes_ + sealed.size() > kUnwrittenBytesMax)
        return Error{ErrorKind::NoSpace, "index: the disk refuses it and memory is bounded"};
    Bytes& kept = unwritten_[offset];
    unwritten_bytes_ += sealed.size() - kept.size();
    kept = to_bytes(sealed);
    size_ = std::max(size_, offset + sealed.size());
    return {};
}

Result<std::size_t> SealedFile::get(std::uint64_t offset, MutableByteView sealed) {
    if (auto at = unwritten_.find(offset); at != unwritten_.end()) {
        CHECK(at->second.size() == sealed.size());
        std::copy(at->second.begin(), at->second.end(), sealed.begin());
        return sealed.size();
    }
    if (offset >= size_) return std::size_t{0};
    return file_->read(offset,
                       sealed.first(std::min<std::uint64_t>(sealed.size(), size_ - offset)));
}

Status SealedFile::cut(std::uint64_t size) {
    for (auto at = unwritten_.lower_bound(size); at != unwritten_.end();) {
        unwritten_bytes_ -= at->second.size();
        at = unwritten_.erase(at);
    }
    if (size < size_ && files_.may_write())
        if (Status cut = file_->truncate(size); !cut.ok()) files_.give_up(cut.error().message);
    size_ = std::min(size_, size);
    return {};
}

Status SealedFile::flush() {
    if (files_.is_given_up()) return {};
    if (Status synced = file_->sync(); !synced.ok()) files_.give_up(synced.error().message);
    return {};
}

// ---- the database

Result<std::unique_ptr<SealedDatabase>> SealedDatabase::open(SealedFiles& files) {
    TRY(auto file, open_durably(files.environment(), files.environment().path));
    TRY(std::uint64_t size, file->size());
    return std::unique_ptr<SealedDatabase>(new SealedDatabase(files, std::move(file), size));
}

Status SealedDatabase::read_page(std::uint64_t number, MutableByteView page) {
    TRY(std::size_t there, get(number * kIndexPageSize, sealed_));
    std::fill(page.begin(), page.end(), std::byte{0});
    if (there == 0) return {};
    Status opened = there < kIndexPageSize
                        ? Status(Error{ErrorKind::Corrupt, "cut short"})
                        : open_into(page.first(kPageBody), key(), aad(number), sealed_);
    // SQLite looks at page 1 before it looks at the WAL. A checkpoint that a power cut tore is made
    // again from the WAL; if that does not hold page 1, zeros are no database.
    if (!opened.ok() && number == 0 && files_.has_hot_wal()) return {};
    if (!opened.ok()) return files_.damaged("page " + std::to_string(number + 1));
    return {};
}

Status SealedDatabase::verify() {
    for (std::uint64_t page = 0; page * kIndexPageSize < size(); ++page)
        TRY_OK(read_page(page, page_));
    return {};
}

Result<std::size_t> SealedDatabase::read(std::uint64_t offset, MutableByteView out) {
    std::fill(out.begin(), out.end(), std::byte{0});
    std::size_t done = 0;
    while (done < out.size() && offset + done < size()) {
        const std::uint64_t number = (offset + done) / kIndexPageSize;
        const std::size_t within = (offset + done) % kIndexPageSize;
        const std::size_t length = std::min(out.size() - done, kIndexPageSize - within);
        if (length == kIndexPageSize) {
            TRY_OK(read_page(number, out.subspan(done, length)));
        } else {
            TRY_OK(read_page(number, page_));
            std::copy_n(page_.begin() + static_cast<std::ptrdiff_t>(within), length,
                        out.begin() + static_cast<std::ptrdiff_t>(done));
        }
        done += length;
    }
    return done;
}

Status SealedDatabase::write(std::uint64_t offset, ByteView data) {
    if (offset % kIndexPageSize != 0 || data.size() != kIndexPageSize)
        return Error{ErrorKind::Invalid, "index: a write that is no page"};
    // A random nonce for every seal of a page: see aead.h.
    seal_into(sealed_, key(), aad(offset / kIndexPageSize), data.first(kPageBody),
              files_.environment().random);
    return put(offset, sealed_);
}

// ---- the WAL
//
// On the disk everything behind the header lies kSealOverhead further than SQLite thinks.

Result<std::unique_ptr<SealedFile>> SealedWal::open(SealedFiles& files) {
    TRY(auto file, open_durably(files.environment(), files.environment().wal_path()));
    TRY(std::uint64_t size, file->size());
    return std::unique_ptr<SealedFile>(new SealedWal(files, std::move(file), size));
}

std::uint64_t SealedWal::size() const {
    std::uint64_t size = disk_size();
    if (size != 0) size = size < kSealedHeaderSize ? kWalHeaderSize : size - kSealOverhead;
    if (is_changed_) size = std::max(size, kWalHeaderSize + (loaded_ + 1) * kFrameSize);
    return size;
}

// Frame number 0 in the associated data is the header, so frame n is n + 1.
Status SealedWal::read_header(MutableByteView header) {
    std::array<std::byte, kSealedHeaderSize> sealed;
    TRY(std::size_t there, get(0, sealed));
    if (there < sealed.size())
        return Error{ErrorKind::Corrupt, "index: the header of the WAL is cut short"};
    return open_into(header, key(), aad(0), sealed);
}

Status SealedWal::write_header(ByteView header) {
    TRY_OK(settle());
    loaded_ = kNoFrame;
    std::array<std::byte, kSealedHeaderSize> sealed;
    seal_into(sealed, key(), aad(0), header, files_.environment().random);
    known_frames_ = 0;
    return put(0, sealed);
}

// Zeros for a frame that a power cut may have left: SQLite's recovery ends at it.
Status SealedWal::load_frame(std::uint64_t number) {
    if (loaded_ == number) return {};
    TRY_OK(settle());
    loaded_ = kNoFrame;
    TRY(std::size_t there, get(kSealedHeaderSize + number * kFrameSize, sealed_));
    std::fill(frame_.begin(), frame_.end(), std::byte{0});
    Status opened = there < kFrameSize
                        ? Status(Error{ErrorKind::Corrupt, "cut short"})
                        : open_into(MutableByteView(frame_).first(kFrameSize - kSealOverhead),
                                    key(), aad(number + 1), sealed_);
    if (opened.ok()) {
        known_frames_ = std::max(known_frames_, number + 1);
    } else if (number < known_frames_) {
        return files_.damaged("frame " + std::to_string(number) + " of the WAL");
    }
    loaded_ = number;
    return {};
}

Status SealedWal::store_frame() {
    seal_into(sealed_, key(), aad(loaded_ + 1), ByteView(frame_).first(kFrameSize - kSealOverhead),
              files_.environment().random);
    is_changed_ = false;
    known_frames_ = std::max(known_frames_, loaded_ + 1);
    return put(kSealedHeaderSize + loaded_ * kFrameSize, sealed_);
}

Status SealedWal::settle() {
    return is_changed_ ? store_frame() : Status();
}

Result<std::size_t> SealedWal::read(std::uint64_t offset, MutableByteView out) {
    std::fill(out.begin(), out.end(), std::byte{0});
    std::size_t done = 0;
    while (done < out.size() && offset + done < size()) {
        const std::uint64_t at = offset + done;
        MutableByteView rest = out.subspan(done);
        if (at < kWalHeaderSize) {
            std::array<std::byte, kWalHeaderSize> header;
            TRY_OK(read_header(header));
            const std::size_t length = std::min<std::size_t>(rest.size(), kWalHeaderSize - at);
            std::copy_n(header.begin() + static_cast<std::ptrdiff_t>(at), length, rest.begin());
            done += length;
            continue;
        }
        const std::size_t within = (at - kWalHeaderSize) % kFrameSize;
        const std::size_t length = std::min(rest.size(), kFrameSize - within);
        TRY_OK(load_frame((at - kWalHeaderSize) / kFrameSize));
        std::copy_n(frame_.begin() + static_cast<std::ptrdiff_t>(within), length, rest.begin());
        done += length;
    }
    return done;
}

// SQLite writes a frame as header and page, the page of a frame alone when one transaction changes
// it again, and then the headers of the frames that follow alone.
Status SealedWal::write(std::uint64_t offset, ByteView data) {
    if (offset == 0 && data.size() == kWalHeaderSize) return write_header(data);
    const bool is_in_frame = offset >= kWalHeaderSize &&
                             (offset - kWalHeaderSize) % kFrameSize + data.size() <= kFrameSize &&
                             !data.empty();
    if (!is_in_frame) return Error{ErrorKind::Invalid, "index: a write that is no frame"};
    const std::uint64_t number = (offset - kWalHeaderSize) / kFrameSize;
    const std::size_t within = (offset - kWalHeaderSize) % kFrameSize;
    if (loaded_ != number) {
        TRY_OK(settle());
        if (number < known_frames_) {
            TRY_OK(load_frame(number));
        } else {
            // What lies there is of an earlier round of the WAL.
            std::fill(frame_.begin(), frame_.end(), std::byte{0});
            loaded_ = number;
        }
    }
    std::copy(data.begin(), data.end(), frame_.begin() + static_cast<std::ptrdiff_t>(within));
    is_changed_ = true;
    return within + data.size() == kFrameSize ? store_frame() : Status();
}

Status SealedWal::truncate(std::uint64_t size) {
    TRY_OK(settle());
    loaded_ = kNoFrame;
    known_frames_ =
        std::min(known_frames_, size < kWalHeaderSize ? 0 : (size - kWalHeaderSize) / kFrameSize);
    return cut(size == 0 ? 0 : size + kSealOverhead);
}

Status SealedWal::sync() {
    TRY_OK(settle());
    return flush();
}

}  // namespace lockstep
