#include "vault/keys/checksum_words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "base/codec.h"
#include "vault/crypto/hash.h"

namespace lockstep {
namespace {

// Part of the format: in ascending order, and never changed.
constexpr std::array<std::string_view, 256> kWords = {
    "acid", "aged", "also", "apex", "aqua", "arch", "area", "army", "atom", "aunt", "away", "axis",
    "baby", "back", "bake", "bald", "ball", "band", "bank", "barn", "base", "bath", "beam", "bean",
    "bear", "beef", "bell", "belt", "bend", "best", "bike", "bird", "blue", "boat", "body", "bold",
    "bolt", "bone", "book", "boot", "born", "bowl", "bulb", "bull", "burn", "bush", "cafe", "cage",
    "cake", "calf", "calm", "camp", "cape", "card", "cart", "cash", "cave", "cell", "chef", "chin",
    "chip", "city", "clay", "clip", "club", "coal", "coat", "code", "coin", "cold", "comb", "cook",
    "copy", "cord", "cork", "corn", "crab", "crew", "crow", "cube", "curl", "dark", "dash", "data",
    "dawn", "deck", "deep", "deer", "desk", "dial", "dice", "dish", "disk", "dock", "doll", "dome",
    "door", "dove", "down", "drum", "duck", "duet", "dusk", "dust", "earl", "east", "easy", "echo",
    "edge", "epic", "even", "exit", "face", "fair", "fall", "farm", "fast", "fern", "film", "fire",
    "fish", "flag", "flax", "flip", "foam", "folk", "food", "fort", "frog", "fuel", "fund", "gala",
    "game", "gear", "gift", "girl", "glad", "glow", "golf", "grid", "hand", "harp", "hawk", "head",
    "heel", "herb", "hill", "hint", "horn", "host", "hour", "huge", "icon", "idea", "inch", "iris",
    "isle", "item", "jade", "jazz", "join", "joke", "judo", "jump", "june", "jury", "keen", "kelp",
    "kick", "kind", "kite", "knee", "knob", "lady", "lamb", "lava", "leaf", "lens", "lily", "lime",
    "link", "lion", "list", "lock", "loft", "logo", "loop", "loud", "lung", "lynx", "maid", "malt",
    "many", "maps", "mask", "maze", "meal", "menu", "mild", "moon", "moss", "moth", "much", "mule",
    "navy", "news", "nose", "oval", "over", "page", "palm", "peak", "pine", "plan", "plum", "poem",
    "pole", "pond", "pool", "puma", "quiz", "rail", "ring", "road", "robe", "roof", "ruby", "seed",
    "ship", "shoe", "silk", "snow", "soap", "sofa", "song", "star", "swan", "tank", "taxi", "tent",
    "tide", "town", "tree", "tuna", "twin", "unit", "vase", "veil", "view", "void", "volt", "wave",
    "yoga", "zero", "zinc", "zoom",
};

}  // namespace

std::string_view checksum_word(std::uint8_t line, std::string_view letters) {
    Encoder in;
    in.u8(line).raw(as_bytes(letters));
    Bytes bytes = std::move(in).take();
    const Hash256 hash = blake2b(bytes);
    wipe(bytes);
    return kWords[std::to_integer<std::size_t>(hash.view()[0])];
}

bool is_checksum_word(std::string_view text) {
    if (text.size() != kWords[0].size()) return false;
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
        return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    });
    return std::binary_search(kWords.begin(), kWords.end(), lower);
}

}  // namespace lockstep
