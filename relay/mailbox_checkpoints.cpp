#include "relay/mailbox_checkpoints.h"

#include <sqlite3.h>

#include "base/log.h"
#include "base/worker_pool.h"

namespace lockstep {
namespace {

constexpr int kPagesEach = 1000;
// Then the writer does it itself: nothing is written meanwhile, so all of the log is carried over,
// of which little is left, and the next commit begins it anew.
constexpr int kLogPagesMax = 8192;

void carry_over(sqlite3* database) {
    int code =
        sqlite3_wal_checkpoint_v2(database, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    // Busy: another one is at it.
    bool is_good = code == SQLITE_OK || code == SQLITE_BUSY;
    if (!is_good) log_warning("mailbox", "the log stays as it is: {}", sqlite3_errstr(code));
}

}  // namespace

Result<std::unique_ptr<MailboxCheckpoints>> MailboxCheckpoints::open(
    const std::filesystem::path& database, sqlite3* writer) {
    std::unique_ptr<MailboxCheckpoints> out(new MailboxCheckpoints(writer));
    int code = sqlite3_open_v2(database.c_str(), &out->own_, SQLITE_OPEN_READWRITE, nullptr);
    if (code != SQLITE_OK)
        return Error{ErrorKind::Io, std::string("open the mailbox: ") + sqlite3_errstr(code)};
    auto hook = [](void* self, sqlite3*, const char*, int pages) {
        static_cast<MailboxCheckpoints*>(self)->on_commit(pages);
        return SQLITE_OK;
    };
    (void)sqlite3_wal_hook(writer, hook, out.get());  // in place of SQLite's own
    out->thread_ = std::thread([self = out.get()] {
        name_thread("ls-mailbox-log");
        self->run();
    });
    return out;
}

MailboxCheckpoints::~MailboxCheckpoints() {
    (void)sqlite3_wal_hook(writer_, nullptr, nullptr);
    {
        MutexLock lock(mutex_);
        is_stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
    sqlite3_close(own_);
}

void MailboxCheckpoints::on_commit(int log_pages) {
    if (log_pages < asked_at_pages_) asked_at_pages_ = 0;  // the log was begun anew
    if (log_pages >= kLogPagesMax) return carry_over(writer_);
    if (log_pages - asked_at_pages_ < kPagesEach) return;
    asked_at_pages_ = log_pages;
    {
        MutexLock lock(mutex_);
        is_wanted_ = true;
    }
    wake_.notify_one();
}

void MailboxCheckpoints::run() {
    for (;;) {
        {
            MutexLock lock(mutex_);
            while (!is_wanted_ && !is_stopping_) wake_.wait(mutex_);
            if (is_stopping_) return;
            is_wanted_ = false;
        }
        carry_over(own_);
    }
}

}  // namespace lockstep
