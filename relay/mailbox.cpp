#include "relay/mailbox.h"

#include <map>
#include <set>
#include <utility>

#include <sqlite3.h>

#include "base/disk.h"
#include "base/log.h"
#include "base/random.h"
#include "base/worker_pool.h"
#include "relay/mailbox_checkpoints.h"

namespace lockstep {
namespace {

constexpr std::size_t kInlineMax = 64 << 10;  // larger objects are files
constexpr std::size_t kBatchMax = 512;
constexpr std::size_t kWaitingMax = 4096;
constexpr int kExpiredPerSweep = 1000;

constexpr const char* kSchema = R"(
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA trusted_schema = OFF;
CREATE TABLE IF NOT EXISTS objects (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  swarm BLOB NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, expires_s INTEGER NOT NULL,
  data BLOB, file TEXT,
  UNIQUE (swarm, name));
CREATE INDEX IF NOT EXISTS by_swarm ON objects (swarm, sequence);
CREATE INDEX IF NOT EXISTS by_end ON objects (expires_s);
CREATE TABLE IF NOT EXISTS swarms (swarm BLOB PRIMARY KEY, objects INTEGER NOT NULL, bytes INTEGER NOT NULL);
)";

// One use of a statement: binds in order, steps, reads columns. What is bound must outlive it.
class Query {
  public:
    // nullptr: nothing works.
    explicit Query(sqlite3_stmt* statement) : statement_(statement) {}
    ~Query() {
        sqlite3_reset(statement_);
        sqlite3_clear_bindings(statement_);
    }
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;

    Query& bind(std::uint64_t value) {
        sqlite3_bind_int64(statement_, ++bound_, static_cast<std::int64_t>(value));
        return *this;
    }
    Query& bind_text(std::string_view text) {
        sqlite3_bind_text(statement_, ++bound_, text.data(), static_cast<int>(text.size()),
                          SQLITE_STATIC);
        return *this;
    }
    Query& bind_blob(ByteView bytes) {
        sqlite3_bind_blob(statement_, ++bound_, bytes.data(), static_cast<int>(bytes.size()),
                          SQLITE_STATIC);
        return *this;
    }
    Query& bind_null() {
        sqlite3_bind_null(statement_, ++bound_);
        return *this;
    }
    bool row() { return statement_ != nullptr && (last_ = sqlite3_step(statement_)) == SQLITE_ROW; }
    bool done() {
        return statement_ != nullptr && (last_ = sqlite3_step(statement_)) == SQLITE_DONE;
    }
    // Whether row() gave false because there are no more.
    bool is_at_end() const { return last_ == SQLITE_DONE; }
    std::uint64_t number(int column) {
        return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
    }
    std::string text(int column) {
        const void* data = sqlite3_column_blob(statement_, column);
        auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
        return data == nullptr ? "" : std::string(static_cast<const char*>(data), size);
    }
    bool is_null(int column) { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

  private:
    sqlite3_stmt* const statement_;
    int bound_ = 0;
    int last_ = SQLITE_ERROR;
};

}  // namespace

// The database and the files. On the mailbox's thread.
class Mailbox::Store {
  public:
    Store(Disk& disk, fs::path directory) : disk_(disk), directory_(std::move(directory)) {}
    ~Store() {
        checkpoints_.reset();
        for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
        sqlite3_close(database_);
    }
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    Status open() {
        TRY_OK(disk_.make_directories(directory_ / "objects"));
        fs::path file = directory_ / "mailbox.db";
        if (sqlite3_open_v2(file.c_str(), &database_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                            nullptr) != SQLITE_OK)
            return error("open the mailbox");
        TRY_OK(execute(kSchema));
        TRY(checkpoints_, MailboxCheckpoints::open(file, database_));
        return remove_strays();
    }

    Status execute(const char* sql) {
        if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
        return error("mailbox");
    }
    Error error(std::string_view doing) const {
        int code = database_ == nullptr ? SQLITE_CANTOPEN : sqlite3_errcode(database_);
        ErrorKind kind = code == SQLITE_FULL ? ErrorKind::NoSpace : ErrorKind::Io;
        return {kind, std::string(doing) + ": " + sqlite3_errstr(code)};
    }
    // Statements are compiled once: that takes longer than to run them. One use of each at a time.
    Query query(std::string_view sql) {
        sqlite3_stmt*& statement = statements_[sql];
        if (statement == nullptr)
            sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()),
                               SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
        return Query(statement);
    }

    // Durable on return; gives the file's name.
    Result<std::string> write_file(std::string_view data) {
        std::string name = hex(system_random().id<Id<struct MailboxFileTag, 16>>().view());
        TRY_OK(disk_.write_file_durably(path_of(name), as_bytes(data)));
        return name;
    }
    Result<std::string> read_file(const std::string& name, std::uint64_t size) {
        TRY(Bytes bytes, disk_.read_file(path_of(name), size));
        return std::string(as_text(bytes));
    }
    void remove_file(const std::string& name) { (void)disk_.remove(path_of(name)); }

    MailboxCounts totals() {
        Query q = query("SELECT total(objects), total(bytes) FROM swarms");
        if (!q.row()) return {};
        return {q.number(0), q.number(1)};
    }
    MailboxCounts of_swarm(const SwarmName& swarm) {
        Query q = query("SELECT objects, bytes FROM swarms WHERE swarm = ?");
        if (!q.bind_blob(swarm.view()).row()) return {};
        return {q.number(0), q.number(1)};
    }
    bool set_swarm(const SwarmName& swarm, const MailboxCounts& counts) {
        if (counts.objects == 0) {
            Query q = query("DELETE FROM swarms WHERE swarm = ?");
            return q.bind_blob(swarm.view()).done();
        }
        Query q = query("INSERT OR REPLACE INTO swarms (swarm, objects, bytes) VALUES (?, ?, ?)");
        return q.bind_blob(swarm.view()).bind(counts.objects).bind(counts.bytes).done();
    }

  private:
    fs::path path_of(const std::string& name) const { return directory_ / "objects" / name; }

    // Files whose row was never committed, or is gone.
    Status remove_strays() {
        std::set<std::string> known;
        Query q = query("SELECT file FROM objects WHERE file IS NOT NULL");
        while (q.row()) known.insert(q.text(0));
        if (!q.is_at_end()) return error("read the mailbox");
        TRY(auto items, disk_.list(directory_ / "objects"));
        for (const DirectoryItem& item : items)
            if (!known.contains(item.name)) remove_file(item.name);
        return {};
    }

    Disk& disk_;
    const fs::path directory_;
    sqlite3* database_ = nullptr;
    std::unique_ptr<MailboxCheckpoints> checkpoints_;
    std::map<std::string_view, sqlite3_stmt*> statements_;  // by literals
};

Mailbox::Mailbox(Clock& clock, const MailboxOptions& options)
    : clock_(clock),
      options_(options),
      store_(std::make_unique<Store>(posix_disk(), options.directory)) {}

Result<std::unique_ptr<Mailbox>> Mailbox::open(Clock& clock, const MailboxOptions& options) {
    std::unique_ptr<Mailbox> out(new Mailbox(clock, options));
    TRY_OK(out->store_->open());
    MailboxCounts totals = out->store_->totals();
    out->objects_ = totals.objects;
    out->bytes_ = totals.bytes;
    out->thread_ = std::thread([mailbox = out.get()] {
        name_thread("ls-mailbox");
        mailbox->run();
    });
    return out;
}

Mailbox::~Mailbox() {
    {
        MutexLock lock(mutex_);
        is_stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

bool Mailbox::submit(Work work) {
    {
        MutexLock lock(mutex_);
        if (is_stopping_ || work_.size() >= kWaitingMax) return false;
        work_.push_back(std::move(work));
    }
    wake_.notify_one();
    return true;
}

void Mailbox::run() {
    for (;;) {
        std::deque<Work> batch;
        {
            MutexLock lock(mutex_);
            while (work_.empty() && !is_stopping_) wake_.wait(mutex_);
            if (work_.empty()) return;
            while (!work_.empty() && batch.size() < kBatchMax) {
                batch.push_back(std::move(work_.front()));
                work_.pop_front();
            }
        }
        run_batch(std::move(batch));
    }
}

// What cannot be committed is answered as failed: each piece of work gave its answer a place to
// look at.
void Mailbox::run_batch(std::deque<Work> batch) {
    Status begun = store_->execute("BEGIN IMMEDIATE");
    std::vector<std::function<void()>> answers;
    for (Work& work : batch) answers.push_back(work(*store_));
    Status committed = begun.ok() ? store_->execute("COMMIT") : std::move(begun);
    if (!committed.ok()) {
        log_error("mailbox", "nothing was stored: {}", committed.error().message);
        (void)store_->execute("ROLLBACK");
        MailboxCounts totals = store_->totals();
        objects_ = totals.objects;
        bytes_ = totals.bytes;
        return;  // unanswered requests get a 500
    }
    for (const auto& answer : answers) answer();
}

void Mailbox::put(const SwarmName& swarm, const std::string& name, std::string data,
                  std::uint64_t quota_bytes, std::function<void(Result<bool>)> answer) {
    CHECK(is_mailbox_name(name));
    if (data.size() > options_.object_size_max)
        return answer(Error{ErrorKind::TooLarge, "the object is too large"});
    auto body = std::make_shared<std::string>(std::move(data));
    auto store = [this, swarm, name, body, quota_bytes](Store& at) -> Result<bool> {
        Query known = at.query("SELECT 1 FROM objects WHERE swarm = ? AND name = ?");
        if (known.bind_blob(swarm.view()).bind_text(name).row()) return false;
        MailboxCounts counts = at.of_swarm(swarm);
        if (counts.bytes + body->size() > quota_bytes ||
            counts.objects >= options_.objects_per_swarm_max)
            return Error{ErrorKind::NoSpace, "the swarm's mailbox is full"};
        if (bytes_ + body->size() > options_.bytes_max)
            return Error{ErrorKind::NoSpace, "the relay's mailbox is full"};
        std::string file;
        if (body->size() > kInlineMax) {
            TRY(file, at.write_file(*body));
        }
        auto now_s = static_cast<std::uint64_t>(clock_.wall_ms() / 1000);
        auto lifetime_s = static_cast<std::uint64_t>(options_.lifetime.count());
        Query insert = at.query(
            "INSERT INTO objects (swarm, name, size, expires_s, data, file) VALUES (?, ?, ?, ?, ?, "
            "?)");
        insert.bind_blob(swarm.view()).bind_text(name).bind(body->size()).bind(now_s + lifetime_s);
        if (file.empty())
            insert.bind_blob(as_bytes(*body)).bind_null();
        else
            insert.bind_null().bind_text(file);
        if (!insert.done()) return at.error("store");
        if (!at.set_swarm(swarm, {counts.objects + 1, counts.bytes + body->size()}))
            return at.error("store");
        ++objects_;
        bytes_ += body->size();
        return true;
    };
    bool is_taken = submit([store, answer](Store& at) -> std::function<void()> {
        auto result = std::make_shared<Result<bool>>(store(at));
        return [result, answer] { answer(std::move(*result)); };
    });
    if (!is_taken) answer(Error{ErrorKind::Busy, "too much waits, try later"});
}

void Mailbox::get(const SwarmName& swarm, const std::string& name,
                  std::function<void(Result<std::string>)> answer) {
    auto read = [swarm, name](Store& at) -> Result<std::string> {
        Query q = at.query("SELECT size, data, file FROM objects WHERE swarm = ? AND name = ?");
        if (!q.bind_blob(swarm.view()).bind_text(name).row()) {
            if (!q.is_at_end()) return at.error("read");
            return Error{ErrorKind::NotFound, "no such object"};
        }
        return q.is_null(2) ? Result<std::string>(q.text(1)) : at.read_file(q.text(2), q.number(0));
    };
    bool is_taken = submit([read, answer](Store& at) -> std::function<void()> {
        auto result = std::make_shared<Result<std::string>>(read(at));
        return [result, answer] { answer(std::move(*result)); };
    });
    if (!is_taken) answer(Error{ErrorKind::Busy, "too much waits, try later"});
}

void Mailbox::list(const SwarmName& swarm, std::uint64_t since,
                   std::function<void(Result<std::vector<MailboxItem>>)> answer) {
    auto read = [swarm, since](Store& at) -> Result<std::vector<MailboxItem>> {
        Query q = at.query(
            "SELECT name, sequence, size, expires_s FROM objects WHERE swarm = ? AND sequence > ? "
            "ORDER BY sequence LIMIT ?");
        q.bind_blob(swarm.view()).bind(since).bind(kMailboxListedMax);
        std::vector<MailboxItem> out;
        while (q.row()) out.push_back({q.text(0), q.number(1), q.number(2), q.number(3)});
        if (!q.is_at_end()) return at.error("list");
        return out;
    };
    bool is_taken = submit([read, answer](Store& at) -> std::function<void()> {
        auto result = std::make_shared<Result<std::vector<MailboxItem>>>(read(at));
        return [result, answer] { answer(std::move(*result)); };
    });
    if (!is_taken) answer(Error{ErrorKind::Busy, "too much waits, try later"});
}

void Mailbox::take_away(const SwarmName& swarm, const std::string& name,
                        std::function<void(Status)> answer) {
    bool is_taken = submit([this, swarm, name, answer](Store& at) -> std::function<void()> {
        Query q = at.query("SELECT sequence, size, file FROM objects WHERE swarm = ? AND name = ?");
        if (!q.bind_blob(swarm.view()).bind_text(name).row())
            return [answer] { answer(Error{ErrorKind::NotFound, "no such object"}); };
        std::uint64_t size = q.number(1);
        std::string file = q.text(2);
        Query gone = at.query("DELETE FROM objects WHERE sequence = ?");
        MailboxCounts counts = at.of_swarm(swarm);
        bool is_done = gone.bind(q.number(0)).done() &&
                       at.set_swarm(swarm, {counts.objects - 1, counts.bytes - size});
        if (!is_done) return [answer, error = at.error("take away")] { answer(error); };
        --objects_;
        bytes_ -= size;
        return [&at, file, answer] {
            if (!file.empty()) at.remove_file(file);
            answer({});
        };
    });
    if (!is_taken) answer(Error{ErrorKind::Busy, "too much waits, try later"});
}

void Mailbox::sweep() {
    (void)submit([this](Store& at) -> std::function<void()> {
        std::vector<std::pair<SwarmName, std::string>> over;
        Query q = at.query("SELECT swarm, name FROM objects WHERE expires_s <= ? LIMIT ?");
        q.bind(static_cast<std::uint64_t>(clock_.wall_ms() / 1000)).bind(kExpiredPerSweep);
        while (q.row()) over.emplace_back(SwarmName::from(as_bytes(q.text(0))), q.text(1));
        return [this, over] {
            for (const auto& [swarm, name] : over) take_away(swarm, name, [](const Status&) {});
        };
    });
}

}  // namespace lockstep
