#include "sync/pack_disk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <fcntl.h>
#include <libtorrent/add_torrent_params.hpp>
#include <libtorrent/disk_observer.hpp>
#include <libtorrent/error_code.hpp>
#include <libtorrent/file_storage.hpp>
#include <libtorrent/hasher.hpp>
#include <libtorrent/peer_request.hpp>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/unique_fd.h"
#include "base/worker_pool.h"
#include "vault/limits.h"
#include "vault/packs/pack_torrent_id.h"

namespace lockstep {

namespace {

constexpr std::size_t kThreads = 2;
constexpr std::size_t kBlockSize = lt::default_block_size;
constexpr std::size_t kOpenFilesMax = 64;
// Of complete pieces that are not in their file yet: with more, nothing is read from peers.
constexpr std::size_t kUnwrittenBytesMax = 16U << 20U;

// Kept for the next ones, so that not each page of each of them has to be made anew.
constexpr std::size_t kSpareBlocksMax = 256, kSparePiecesMax = 16;
constexpr std::size_t kLargestPiece = pack_piece_size(kPackSizeMax);

using Buffer = std::unique_ptr<char[]>;

// Buffers of one size. Those that are not in use go with trim(). On the network thread.
class BufferPool {
  public:
    BufferPool(std::size_t size, std::size_t spares_max) : size_(size), spares_max_(spares_max) {}
    Buffer take() {
        if (spares_.empty()) return Buffer(new char[size_]);
        Buffer buffer = std::move(spares_.back());
        spares_.pop_back();
        return buffer;
    }
    void give_back(Buffer buffer) {
        if (buffer != nullptr && spares_.size() < spares_max_) spares_.push_back(std::move(buffer));
    }
    void trim() { spares_.clear(); }

  private:
    const std::size_t size_, spares_max_;
    std::vector<Buffer> spares_;
};

lt::storage_error failure(lt::operation_t operation, int code) {
    lt::storage_error error(lt::error_code(code, boost::system::generic_category()), operation);
    error.file(lt::file_index_t{0});
    return error;
}

lt::storage_error too_short() {
    lt::storage_error error(lt::errors::make_error_code(lt::errors::file_too_short),
                            lt::operation_t::file_read);
    error.file(lt::file_index_t{0});
    return error;
}

lt::storage_error read_exactly(int file, std::int64_t at, char* out, std::size_t size) {
    while (size > 0) {
        const ssize_t got = ::pread(file, out, size, at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failure(lt::operation_t::file_read, errno);
        if (got == 0) return too_short();
        out += got;
        at += got;
        size -= static_cast<std::size_t>(got);
    }
    return {};
}

// Only when no disk is needed for it.
bool read_cached(int file, std::int64_t at, char* out, std::size_t size) {
    const iovec to{out, size};
    return ::preadv2(file, &to, 1, at, RWF_NOWAIT) == static_cast<ssize_t>(size);
}

lt::storage_error write_exactly(int file, std::int64_t at, const char* data, std::size_t size) {
    while (size > 0) {
        const ssize_t put = ::pwrite(file, data, size, at);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return failure(lt::operation_t::file_write, put < 0 ? errno : EIO);
        data += put;
        at += put;
        size -= static_cast<std::size_t>(put);
    }
    return {};
}

lt::sha256_hash hash_of(const char* data, std::size_t size) {
    return lt::hasher256(lt::span<const char>(data, static_cast<std::ptrdiff_t>(size))).final();
}

// What has come of a piece and is not in the file.
struct Piece {
    Piece(Buffer buffer, std::size_t size)
        : bytes(std::move(buffer)), has((size + kBlockSize - 1) / kBlockSize) {}
    Buffer bytes;
    std::vector<bool> has;  // by block
};

// libtorrent has the last piece filled up with zeros, which it asks for, sends and takes like any
// others: they are in no file.
struct Pack {
    std::string path;
    std::int64_t size = 0;
    int piece_length = 0;
    // Shared with the work under way.
    std::shared_ptr<const UniqueFd> file;
    bool is_writable = false;
    std::uint64_t last_used = 0;
    std::unordered_map<int, Piece> pieces;

    std::int64_t begin_of(lt::piece_index_t piece) const {
        return std::int64_t{static_cast<int>(piece)} * piece_length;
    }
    std::size_t size_of(lt::piece_index_t piece) const {
        return static_cast<std::size_t>(
            std::min<std::int64_t>(piece_length, size - begin_of(piece)));
    }
};

// A piece on its way to its file.
struct PieceJob {
    std::shared_ptr<const UniqueFd> file;
    off_t begin = 0;
    std::size_t size = 0;
    Piece piece;
    lt::span<lt::sha256_hash> hashes;

    std::size_t block_size(std::size_t offset) const { return std::min(kBlockSize, size - offset); }
    lt::storage_error run();
    lt::storage_error fill_in();
    lt::storage_error store() const;
};

lt::storage_error PieceJob::run() {
    if (lt::storage_error error = fill_in()) return error;
    for (std::size_t at = 0; at < size; at += kBlockSize)
        hashes[static_cast<std::ptrdiff_t>(at / kBlockSize)] =
            hash_of(&piece.bytes[at], block_size(at));
    return store();
}

// What has not come since the file was opened is in the file, or the piece is not right.
lt::storage_error PieceJob::fill_in() {
    for (std::size_t at = 0; at < size; at += kBlockSize) {
        if (piece.has[at / kBlockSize]) continue;
        const off_t there = begin + static_cast<off_t>(at);
        if (lt::storage_error error =
                read_exactly(file->get(), there, &piece.bytes[at], block_size(at)))
            return error;
    }
    return {};
}

lt::storage_error PieceJob::store() const {
    bool has_written = false;
    for (std::size_t at = 0; at < size;) {
        std::size_t end = at;
        while (end < size && piece.has[end / kBlockSize]) end += block_size(end);
        if (end == at) {
            at += kBlockSize;
            continue;
        }
        const off_t there = begin + static_cast<off_t>(at);
        if (lt::storage_error error = write_exactly(file->get(), there, &piece.bytes[at], end - at))
            return error;
        has_written = true;
        at = end;
    }
    // The whole file is synced in the end: the disk need not wait until then. A hint, no more.
    if (has_written)
        static_cast<void>(
            ::sync_file_range(file->get(), begin, static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE));
    return {};
}

class PackDisk final : public lt::disk_interface, public lt::buffer_allocator_interface {
  public:
    explicit PackDisk(lt::io_context& context) : context_(context), workers_(kThreads, "ls-disk") {}

    lt::storage_holder new_torrent(const lt::storage_params& params,
                                   const std::shared_ptr<void>& torrent) override;
    void remove_torrent(lt::storage_index_t index) override;

    void async_read(lt::storage_index_t storage, const lt::peer_request& request,
                    std::function<void(lt::disk_buffer_holder, const lt::storage_error&)> handler,
                    lt::disk_job_flags_t flags) override;
    bool async_write(lt::storage_index_t storage, const lt::peer_request& request, const char* data,
                     std::shared_ptr<lt::disk_observer> observer,
                     std::function<void(const lt::storage_error&)> handler,
                     lt::disk_job_flags_t flags) override;
    void async_hash(
        lt::storage_index_t storage, lt::piece_index_t piece, lt::span<lt::sha256_hash> hashes,
        lt::disk_job_flags_t flags,
        std::function<void(lt::piece_index_t, const lt::sha1_hash&, const lt::storage_error&)>
            handler) override;
    void async_hash2(
        lt::storage_index_t storage, lt::piece_index_t piece, int offset,
        lt::disk_job_flags_t flags,
        std::function<void(lt::piece_index_t, const lt::sha256_hash&, const lt::storage_error&)>
            handler) override;
    void async_clear_piece(lt::storage_index_t storage, lt::piece_index_t piece,
                           std::function<void(lt::piece_index_t)> handler) override;
    void async_check_files(
        lt::storage_index_t storage, const lt::add_torrent_params* resume_data,
        lt::aux::vector<std::string, lt::file_index_t> links,
        std::function<void(lt::status_t, const lt::storage_error&)> handler) override;
    void async_release_files(lt::storage_index_t storage, std::function<void()> handler) override;
    void async_stop_torrent(lt::storage_index_t storage, std::function<void()> handler) override;
    void async_delete_files(lt::storage_index_t storage, lt::remove_flags_t options,
                            std::function<void(const lt::storage_error&)> handler) override;
    void async_set_file_priority(
        lt::storage_index_t storage,
        lt::aux::vector<lt::download_priority_t, lt::file_index_t> priorities,
        std::function<void(const lt::storage_error&,
                           lt::aux::vector<lt::download_priority_t, lt::file_index_t>)>
            handler) override;
    // Packs stay where they are.
    void async_move_storage(
        lt::storage_index_t storage, std::string path, lt::move_flags_t flags,
        std::function<void(lt::status_t, const std::string&, const lt::storage_error&)> handler)
        override;
    void async_rename_file(
        lt::storage_index_t storage, lt::file_index_t file, std::string name,
        std::function<void(const std::string&, lt::file_index_t, const lt::storage_error&)> handler)
        override;

    void update_stats_counters(lt::counters&) const override {}
    std::vector<lt::open_file_state> get_status(lt::storage_index_t) const override { return {}; }
    void abort(bool) override {}
    void submit_jobs() override {}
    void settings_updated() override {}

    void free_disk_buffer(char* buffer) override { blocks_.give_back(Buffer(buffer)); }

  private:
    Pack& pack(lt::storage_index_t index) { return *packs_[static_cast<std::uint32_t>(index)]; }
    // Null, with the reason, when it cannot be opened.
    std::shared_ptr<const UniqueFd> open(Pack& pack, bool for_writing, lt::storage_error* error);
    void close_one_unused();
    Piece new_piece(std::size_t size) {
        return {size > kLargestPiece / 2 ? pieces_.take() : Buffer(new char[size]), size};
    }
    lt::disk_buffer_holder hold(Buffer buffer, int size) { return {*this, buffer.release(), size}; }

    template <typename F>
    void post(F handler) {
        boost::asio::post(context_, std::move(handler));
    }
    // `work` on a thread of ours, then what it returns on the network thread. Until then the
    // context has work, so that it does not end with handlers that nobody has called.
    template <typename Work>
    void run(Work work) {
        // std::function wants to copy what it is made of.
        auto shared = std::make_shared<Work>(std::move(work));
        auto guard = boost::asio::make_work_guard(context_);
        workers_.submit([this, shared, guard] {
            auto answer = (*shared)();
            boost::asio::post(context_, std::move(answer));
        });
    }
    void piece_written(std::size_t bytes);

    lt::io_context& context_;
    std::vector<std::unique_ptr<Pack>> packs_;  // by storage index; null: free
    std::vector<lt::storage_index_t> free_;
    BufferPool blocks_{kBlockSize, kSpareBlocksMax}, pieces_{kLargestPiece, kSparePiecesMax};
    std::uint64_t uses_ = 0;
    std::size_t unwritten_bytes_ = 0;
    std::vector<std::weak_ptr<lt::disk_observer>> waiting_;
    WorkerPool workers_;  // the first to go
};

lt::storage_holder PackDisk::new_torrent(const lt::storage_params& params,
                                         const std::shared_ptr<void>&) {
    const lt::file_storage& files =
        params.mapped_files != nullptr ? *params.mapped_files : params.files;
    auto pack = std::make_unique<Pack>();
    pack->path = files.file_path(lt::file_index_t{0}, params.path);
    pack->size = files.file_size(lt::file_index_t{0});
    pack->piece_length = files.piece_length();
    if (free_.empty()) {
        packs_.push_back(std::move(pack));
        return {lt::storage_index_t{static_cast<std::uint32_t>(packs_.size() - 1)}, *this};
    }
    const lt::storage_index_t index = free_.back();
    free_.pop_back();
    packs_[static_cast<std::uint32_t>(index)] = std::move(pack);
    return {index, *this};
}

void PackDisk::remove_torrent(lt::storage_index_t index) {
    packs_[static_cast<std::uint32_t>(index)].reset();
    free_.push_back(index);
    const auto is_in_use = [](const auto& each) {
        return each != nullptr && each->file != nullptr;
    };
    if (std::ranges::any_of(packs_, is_in_use)) return;
    blocks_.trim();
    pieces_.trim();
}

std::shared_ptr<const UniqueFd> PackDisk::open(Pack& pack, bool for_writing,
                                               lt::storage_error* error) {
    pack.last_used = ++uses_;
    if (pack.file != nullptr && (pack.is_writable || !for_writing)) return pack.file;
    close_one_unused();
    const int flags = (for_writing ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW;
    UniqueFd opened(::open(pack.path.c_str(), flags, 0600));
    if (!opened.ok()) {
        *error = failure(lt::operation_t::file_open, errno);
        return nullptr;
    }
    pack.file = std::make_shared<const UniqueFd>(std::move(opened));
    pack.is_writable = for_writing;
    return pack.file;
}

// So that one can be opened: of many the one whose last use is longest ago.
void PackDisk::close_one_unused() {
    std::size_t open = 0;
    Pack* oldest = nullptr;
    for (const std::unique_ptr<Pack>& each : packs_) {
        if (each == nullptr || each->file == nullptr) continue;
        ++open;
        if (oldest == nullptr || each->last_used < oldest->last_used) oldest = each.get();
    }
    if (open >= kOpenFilesMax) oldest->file.reset();
}

void PackDisk::async_read(
    lt::storage_index_t storage, const lt::peer_request& request,
    std::function<void(lt::disk_buffer_holder, const lt::storage_error&)> handler,
    lt::disk_job_flags_t) {
    Pack& from = pack(storage);
    lt::storage_error error;
    const auto file = open(from, false, &error);
    if (file == nullptr) return post([error, handler = std::move(handler)] { handler({}, error); });
    const std::int64_t at = from.begin_of(request.piece) + request.start;
    const auto wanted = static_cast<std::size_t>(request.length);
    const auto size =
        static_cast<std::size_t>(std::clamp<std::int64_t>(from.size - at, 0, request.length));
    Buffer buffer = blocks_.take();
    std::fill(&buffer[size], &buffer[wanted], '\0');
    if (size == 0 || read_cached(file->get(), at, buffer.get(), size)) {
        return post([held = hold(std::move(buffer), request.length),
                     handler = std::move(handler)]() mutable { handler(std::move(held), {}); });
    }
    run([=, this, buffer = std::move(buffer), handler = std::move(handler)]() mutable {
        const lt::storage_error failed = read_exactly(file->get(), at, buffer.get(), size);
        lt::disk_buffer_holder held;
        if (!failed) held = hold(std::move(buffer), static_cast<int>(wanted));
        return [failed, held = std::move(held), handler = std::move(handler)]() mutable {
            handler(std::move(held), failed);
        };
    });
}

bool PackDisk::async_write(lt::storage_index_t storage, const lt::peer_request& request,
                           const char* data, std::shared_ptr<lt::disk_observer> observer,
                           std::function<void(const lt::storage_error&)> handler,
                           lt::disk_job_flags_t) {
    Pack& to = pack(storage);
    const std::size_t piece_size = to.size_of(request.piece);
    const auto start = static_cast<std::size_t>(request.start);
    // libtorrent refuses what it has not asked for.
    CHECK(start % kBlockSize == 0 && request.length <= lt::default_block_size, "a block");
    if (start < piece_size) {
        const auto known = to.pieces.find(static_cast<int>(request.piece));
        Piece& piece =
            known != to.pieces.end()
                ? known->second
                : to.pieces.emplace(static_cast<int>(request.piece), new_piece(piece_size))
                      .first->second;
        std::memcpy(&piece.bytes[start], data,
                    std::min(static_cast<std::size_t>(request.length), piece_size - start));
        piece.has[start / kBlockSize] = true;
    }
    post([handler = std::move(handler)] { handler({}); });
    if (unwritten_bytes_ <= kUnwrittenBytesMax) return false;
    waiting_.push_back(observer);
    return true;
}

void PackDisk::async_hash(
    lt::storage_index_t storage, lt::piece_index_t index, lt::span<lt::sha256_hash> hashes,
    lt::disk_job_flags_t,
    std::function<void(lt::piece_index_t, const lt::sha1_hash&, const lt::storage_error&)>
        handler) {
    Pack& from = pack(storage);
    const auto come = from.pieces.find(static_cast<int>(index));
    const bool has_come = come != from.pieces.end();
    const std::size_t size = from.size_of(index);
    PieceJob job{nullptr, from.begin_of(index), size,
                 has_come ? std::move(come->second) : new_piece(size), hashes};
    if (has_come) from.pieces.erase(come);
    lt::storage_error error;
    job.file = open(from, has_come, &error);
    if (job.file == nullptr)
        return post([=, handler = std::move(handler)] { handler(index, {}, error); });
    unwritten_bytes_ += size;
    run([this, index, size, job = std::move(job), handler = std::move(handler)]() mutable {
        const lt::storage_error failed = job.run();
        return [this, index, size, failed, bytes = std::move(job.piece.bytes),
                handler = std::move(handler)]() mutable {
            if (size > kLargestPiece / 2) pieces_.give_back(std::move(bytes));
            piece_written(size);
            // Of the first version's hash there is none.
            handler(index, {}, failed);
        };
    });
}

void PackDisk::piece_written(std::size_t bytes) {
    unwritten_bytes_ -= bytes;
    if (unwritten_bytes_ > kUnwrittenBytesMax / 2) return;
    for (const auto& each : std::exchange(waiting_, {})) {
        if (const auto observer = each.lock()) observer->on_disk();
    }
}

void PackDisk::async_hash2(
    lt::storage_index_t storage, lt::piece_index_t index, int offset, lt::disk_job_flags_t,
    std::function<void(lt::piece_index_t, const lt::sha256_hash&, const lt::storage_error&)>
        handler) {
    Pack& from = pack(storage);
    const auto start = static_cast<std::size_t>(offset);
    const std::size_t size = std::min(kBlockSize, from.size_of(index) - start);
    const auto come = from.pieces.find(static_cast<int>(index));
    if (come != from.pieces.end() && come->second.has[start / kBlockSize]) {
        const lt::sha256_hash hash = hash_of(&come->second.bytes[start], size);
        return post([=, handler = std::move(handler)] { handler(index, hash, {}); });
    }
    lt::storage_error error;
    const auto file = open(from, false, &error);
    if (file == nullptr)
        return post([=, handler = std::move(handler)] { handler(index, {}, error); });
    run([=, at = from.begin_of(index) + offset, handler = std::move(handler)]() mutable {
        const Buffer buffer(new char[size]);
        const lt::storage_error failed = read_exactly(file->get(), at, buffer.get(), size);
        lt::sha256_hash hash;
        if (!failed)
            hash =
                lt::hasher256(lt::span<const char>(buffer.get(), static_cast<std::ptrdiff_t>(size)))
                    .final();
        return [=, handler = std::move(handler)] { handler(index, hash, failed); };
    });
}

// It was not right, and comes again.
void PackDisk::async_clear_piece(lt::storage_index_t storage, lt::piece_index_t piece,
                                 std::function<void(lt::piece_index_t)> handler) {
    pack(storage).pieces.erase(static_cast<int>(piece));
    post([piece, handler = std::move(handler)] { handler(piece); });
}

// A pack that is fetched begins with no file, one that is seeded is known to be whole.
void PackDisk::async_check_files(
    lt::storage_index_t, const lt::add_torrent_params*,
    lt::aux::vector<std::string, lt::file_index_t>,
    std::function<void(lt::status_t, const lt::storage_error&)> handler) {
    post([handler = std::move(handler)] { handler(lt::status_t::no_error, {}); });
}

void PackDisk::async_release_files(lt::storage_index_t storage, std::function<void()> handler) {
    pack(storage).file.reset();
    if (handler) post(std::move(handler));
}

void PackDisk::async_stop_torrent(lt::storage_index_t storage, std::function<void()> handler) {
    async_release_files(storage, std::move(handler));
}

void PackDisk::async_delete_files(lt::storage_index_t storage, lt::remove_flags_t,
                                  std::function<void(const lt::storage_error&)> handler) {
    Pack& gone = pack(storage);
    gone.file.reset();
    gone.pieces.clear();
    lt::storage_error error;
    if (::unlink(gone.path.c_str()) != 0 && errno != ENOENT)
        error = failure(lt::operation_t::file_remove, errno);
    post([error, handler = std::move(handler)] { handler(error); });
}

void PackDisk::async_set_file_priority(
    lt::storage_index_t, lt::aux::vector<lt::download_priority_t, lt::file_index_t> priorities,
    std::function<void(const lt::storage_error&,
                       lt::aux::vector<lt::download_priority_t, lt::file_index_t>)>
        handler) {
    post([priorities = std::move(priorities), handler = std::move(handler)] {
        handler({}, priorities);
    });
}

void PackDisk::async_move_storage(
    lt::storage_index_t, std::string path, lt::move_flags_t,
    std::function<void(lt::status_t, const std::string&, const lt::storage_error&)> handler) {
    post([path = std::move(path), handler = std::move(handler)] {
        handler(lt::status_t::fatal_disk_error, path,
                failure(lt::operation_t::file_rename, EOPNOTSUPP));
    });
}

void PackDisk::async_rename_file(
    lt::storage_index_t, lt::file_index_t file, std::string name,
    std::function<void(const std::string&, lt::file_index_t, const lt::storage_error&)> handler) {
    post([file, name = std::move(name), handler = std::move(handler)] {
        handler(name, file, failure(lt::operation_t::file_rename, EOPNOTSUPP));
    });
}

}  // namespace

std::unique_ptr<lt::disk_interface> make_pack_disk(lt::io_context& context) {
    return std::make_unique<PackDisk>(context);
}

}  // namespace lockstep
