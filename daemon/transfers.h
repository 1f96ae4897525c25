// Files on their way in or out through the control API, in blocks.
//
// A download is an open file of the vault. An upload is content without a name, which becomes the
// target's, as one version, when it is whole: before that nobody sees anything of it, and of one
// that fails nothing stays, also when the daemon is killed.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/random.h"
#include "daemon/vault_paths.h"

namespace lockstep {

inline constexpr std::size_t kTransfersMax = 64;
// One that nobody has touched for this long is dropped.
inline constexpr std::chrono::minutes kTransferIdleMax{5};

// The transfers of one vault. THREADS: any.
class Transfers {
  public:
    // `files` must outlive this.
    Transfers(FileSystem& files, Random& random) : files_(files), random_(random) {}
    ~Transfers() { drop_all(); }
    Transfers(const Transfers&) = delete;
    Transfers& operator=(const Transfers&) = delete;

    // `past`: the file is taken from there instead, and it is held as long as the transfer.
    Result<std::string> begin_download(std::string_view path,
                                       std::shared_ptr<FileSystem> past = nullptr);
    Result<std::string> begin_upload(std::string_view path, std::uint32_t mode,
                                     std::optional<std::int64_t> modified_ns);

    struct Block {
        Bytes bytes;              // empty: the end
        std::uint64_t total = 0;  // size of the file
    };
    Result<Block> read(const std::string& id, std::uint64_t offset);
    Status write(const std::string& id, std::uint64_t offset, ByteView data);
    // Upload: puts the file in place; on return it survives a power cut. What somebody else has
    // written there since the beginning stays beside it as a conflict sibling. Busy while bytes of
    // the file that is to be replaced are no version yet. Ends the transfer in any case.
    Status finish(const std::string& id);
    Status drop(const std::string& id);

    void drop_all();
    void drop_idle();
    std::size_t count() const;

  private:
    struct Transfer;
    Result<std::string> add(std::shared_ptr<Transfer> transfer);
    Result<std::shared_ptr<Transfer>> find(const std::string& id);
    std::shared_ptr<Transfer> take(const std::string& id);
    void close(Transfer& transfer);
    Status put(Transfer& transfer);
    Status put_in_place_of(Transfer& transfer, const Attributes& there);

    FileSystem& files_;
    Random& random_;
    mutable Mutex mutex_;
    std::map<std::string, std::shared_ptr<Transfer>> transfers_ GUARDED_BY(mutex_);
};

}  // namespace lockstep
