// How SQLite reaches its sealed files: a VFS of its own for each database, which knows two files
// and refuses all others.
//
// So nothing of SQLite's comes to lie on the disk in clear: no rollback journal, no temporary file,
// no memory map, no -shm (the database is opened by one connection alone, in exclusive mode).
//
// THREADS: one at a time.
#pragma once

#include <memory>
#include <string>

#include "vault/index/sealed_files.h"

namespace lockstep {

class EncryptingVfs {
  public:
    explicit EncryptingVfs(SealedFilesEnvironment environment);
    ~EncryptingVfs();  // REQUIRES: the database is closed
    EncryptingVfs(const EncryptingVfs&) = delete;
    EncryptingVfs& operator=(const EncryptingVfs&) = delete;

    // What sqlite3_open_v2 takes as the name of the VFS, and of the file.
    const std::string& name() const;
    const std::string& file_name() const;
    SealedFiles& files();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace lockstep
