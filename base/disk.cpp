#include "base/disk.h"

namespace lockstep {

Result<Bytes> Disk::read_file(const fs::path& path, std::uint64_t size_max) {
    TRY(auto file, open(path, OpenMode::Read));
    TRY(std::uint64_t size, file->size());
    if (size > size_max)
        return Error{ErrorKind::TooLarge,
                     path.filename().string() + ": larger than its format allows"};
    Bytes out(size);
    TRY(std::size_t got, file->read(0, out));
    out.resize(got);
    return out;
}

Status Disk::write_file_durably(const fs::path& path, ByteView data,
                                std::string_view temporary_ending) {
    fs::path temporary = path;
    temporary += temporary_ending;
    {
        TRY(auto file, open(temporary, OpenMode::Create));
        TRY_OK(file->truncate(0));
        TRY_OK(file->write(0, data));
        TRY_OK(file->sync());
    }
    TRY_OK(rename(temporary, path));
    return sync_directory(path.parent_path());
}

Status Disk::keep_file_durably(const fs::path& path, ByteView data,
                               std::string_view temporary_ending) {
    if (auto there = read_file(path, data.size()); there.ok() && equal(*there, data)) {
        TRY(auto file, open(path, OpenMode::Read));
        TRY_OK(file->sync());
        return sync_directory(path.parent_path());
    }
    return write_file_durably(path, data, temporary_ending);
}

}  // namespace lockstep
