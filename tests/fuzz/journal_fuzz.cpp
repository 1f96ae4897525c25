// A journal file that somebody meddled with; an entry as somebody with the key may have written it.
#include "tests/vault/log_samples.h"
#include "vault/journal/journal_replay.h"

using namespace lockstep;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const JournalCipher cipher{VaultId{}, JournalKey::from(id_of<Id<void, 32>>(7).view())};
    ByteView input = std::as_bytes(std::span(data, size));
    static_cast<void>(replay_journal(input, cipher).ok());
    auto entry = decode_journal_entry(input);
    if (entry.ok()) CHECK(equal(encode_journal_entry(*entry).value(), input));

    // The same bytes as the sealed entry of an intact frame.
    SeededRandom random(1);
    Bytes file = cipher.encode_slot(1);
    JournalLink link = journal_link(file);
    file.resize(kJournalFramesOffset);
    cipher.append_frame(file, {1, 0, link, to_bytes(input)}, random);
    CHECK(replay_journal(file, cipher)->entries.size() <= 1);
    return 0;
}
