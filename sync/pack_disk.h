// libtorrent's way to the disk (its disk_interface), for torrents of one file each: packs.
//
// The network thread never waits for a disk. What is read comes from the page cache at once, or
// from a thread of ours; what has come is held until its piece is complete, hashed from memory, and
// in the file before libtorrent hears that the piece is right: so a finished torrent is a whole
// file (not a synced one). Files stay open while they are used.
//
// libtorrent's own posix_disk_io does all of that on the network thread and opens the file for each
// block; its mmap_disk_io says "finished" before the bytes are in the file.
//
// THREADS: libtorrent's network thread calls; handlers run there. Work that is under way keeps its
// io_context running.
#pragma once

#include <memory>

#include <libtorrent/disk_interface.hpp>
#include <libtorrent/io_context.hpp>

namespace lockstep {

std::unique_ptr<lt::disk_interface> make_pack_disk(lt::io_context& context);

}  // namespace lockstep
