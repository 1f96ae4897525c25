// Carries what the mailbox's write-ahead log holds over into its database, beside the writer.
//
// SQLite by itself does it within a commit, once in 1000 pages, and whoever put something then
// waits for a thousand writes and two syncs. Here puts wait for their own sync alone, as long as
// the log is not much longer than usual.
//
// THREADS: made and destroyed on any, while the writer rests; works on "ls-mailbox-log".
#pragma once

#include <filesystem>
#include <memory>
#include <thread>

#include "base/mutex.h"
#include "base/result.h"

struct sqlite3;

namespace lockstep {

class MailboxCheckpoints {
  public:
    // `writer` is the only connection that writes to the database, and outlives this.
    static Result<std::unique_ptr<MailboxCheckpoints>> open(const std::filesystem::path& database,
                                                            sqlite3* writer);
    ~MailboxCheckpoints();
    MailboxCheckpoints(const MailboxCheckpoints&) = delete;
    MailboxCheckpoints& operator=(const MailboxCheckpoints&) = delete;

  private:
    explicit MailboxCheckpoints(sqlite3* writer) : writer_(writer) {}
    // After a commit, on the writer's thread.
    void on_commit(int log_pages);
    void run();

    sqlite3* const writer_;
    sqlite3* own_ = nullptr;
    int asked_at_pages_ = 0;  // the writer's
    Mutex mutex_;
    CondVar wake_;
    bool is_wanted_ GUARDED_BY(mutex_) = false;
    bool is_stopping_ GUARDED_BY(mutex_) = false;
    std::thread thread_;
};

}  // namespace lockstep
