// A FileContent over chunks in memory.
#pragma once

#include <functional>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "vault/files/file_content.h"
#include "vault/limits.h"

namespace lockstep {

// Chunks in memory, named by a counter over their content.
class MemoryChunks final : public ChunkAccess {
  public:
    Result<std::shared_ptr<const Bytes>> read_chunk(const ChunkId& id) override {
        auto at = chunks_.find(id);
        if (at == chunks_.end()) return Error{ErrorKind::Unavailable, "no such chunk"};
        return at->second;
    }
    void done_with(const std::vector<ChunkId>& ids) override {
        done_with_.insert(ids.begin(), ids.end());
    }
    Result<ChunkId> write_chunk(ByteView plaintext) override {
        if (on_write) on_write();
        Bytes bytes = to_bytes(plaintext);
        auto [at, is_new] = ids_.try_emplace(bytes);
        if (is_new) {
            at->second.bytes[0] = std::byte{1};
            std::uint64_t number = ids_.size();
            std::memcpy(at->second.bytes.data() + 8, &number, sizeof(number));
            chunks_[at->second] = std::make_shared<const Bytes>(std::move(bytes));
        }
        return at->second;
    }
    std::size_t count() const { return chunks_.size(); }

    const std::set<ChunkId>& done() const { return done_with_; }

    std::function<void()> on_write;  // before each chunk is written

  private:
    std::map<Bytes, ChunkId> ids_;
    std::map<ChunkId, std::shared_ptr<const Bytes>> chunks_;
    std::set<ChunkId> done_with_;
};

class FileContentTest : public ::testing::Test {
  protected:
    static GearTable gear() {
        GearTable table;
        std::mt19937_64 numbers(7);
        for (auto& number : table) number = numbers();
        return table;
    }
    Bytes noise(std::size_t size) {
        Bytes out(size);
        for (auto& b : out) b = static_cast<std::byte>(random_() & 255);
        return out;
    }
    static Bytes read_all(FileContent& content) {
        Bytes out(content.size());
        auto got = content.read(0, out);
        EXPECT_TRUE(got.ok());
        EXPECT_EQ(out.size(), got.ok() ? *got : 0);
        return out;
    }
    // What the same bytes look like when written in one go.
    ContentList chunked_whole(const Bytes& bytes) {
        FileContent content(chunks_, chunker_);
        EXPECT_TRUE(content.write(0, bytes).ok());
        auto sealed = content.seal();
        EXPECT_TRUE(sealed.ok());
        return sealed->list;
    }

    std::mt19937_64 random_{42};
    MemoryChunks chunks_;
    Chunker chunker_{gear()};
};

}  // namespace lockstep
