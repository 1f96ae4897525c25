// Feeds a fuzz target its corpus under any compiler, and for some seconds what a fixed seed makes
// of it: so that a decoder's known bad inputs stay harmless in every build, sanitized or not.
//
//     fuzz_corpus_test TARGET CORPUS_DIRECTORY
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string_view>
#include <vector>

#define FUZZ_TARGET(name) extern "C" int name(const std::uint8_t* data, std::size_t size);
#include "fuzz_targets.inc"
#undef FUZZ_TARGET

namespace lockstep {
namespace {

using Input = std::vector<std::uint8_t>;
using Target = int (*)(const std::uint8_t*, std::size_t);

constexpr std::size_t kMutationsPerInput = 3000;
constexpr std::size_t kMutatedSizeMax = 64 << 10;
constexpr auto kTimeMax = std::chrono::seconds(5);

struct NamedTarget {
    std::string_view name;
    Target run;
};

const NamedTarget kTargets[] = {
#define FUZZ_TARGET(name) {#name, name},
#include "fuzz_targets.inc"
#undef FUZZ_TARGET
};

// Sorted by name, so that every run is the same. Without a corpus a few simple inputs.
std::vector<Input> read_corpus(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> files;
    if (std::filesystem::is_directory(directory)) {
        for (const auto& entry : std::filesystem::directory_iterator(directory))
            if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    std::vector<Input> corpus{{}, Input(1, 0), Input(64, 0), Input(512, 0xff)};
    for (const auto& file : files) {
        std::ifstream in(file, std::ios::binary);
        corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
    return corpus;
}

// One of: cut, a byte changed, a run overwritten, bytes inserted, a part doubled.
Input mutate(Input input, std::mt19937_64& random) {
    auto below = [&](std::size_t limit) { return limit == 0 ? 0 : random() % limit; };
    auto at = [&](std::size_t offset) {
        return input.begin() + static_cast<std::ptrdiff_t>(offset);
    };
    const std::size_t place = below(input.size() + 1);
    switch (below(5)) {
        case 0:
            input.resize(place);
            break;
        case 1:
            if (place < input.size()) input[place] ^= static_cast<std::uint8_t>(1U << below(8));
            break;
        case 2:
            for (std::size_t i = place; i < std::min(input.size(), place + 8); ++i)
                input[i] = static_cast<std::uint8_t>(random());
            break;
        case 3:
            input.insert(at(place), 1 + below(8), static_cast<std::uint8_t>(random()));
            break;
        default: {
            const Input part(at(place), at(std::min(input.size(), place + 64)));
            input.insert(at(below(input.size() + 1)), part.begin(), part.end());
        }
    }
    return input;
}

std::size_t feed(Target target, const std::vector<Input>& corpus) {
    const auto end = std::chrono::steady_clock::now() + kTimeMax;
    std::size_t runs = 0;
    for (const Input& input : corpus) {
        target(input.data(), input.size());
        ++runs;
    }
    std::mt19937_64 random(1);
    for (std::size_t round = 0; round < kMutationsPerInput; ++round) {
        for (const Input& input : corpus) {
            if (input.size() > kMutatedSizeMax) continue;
            if (std::chrono::steady_clock::now() > end) return runs;
            Input mutated = mutate(input, random);
            while (random() % 3 == 0) mutated = mutate(std::move(mutated), random);
            target(mutated.data(), mutated.size());
            ++runs;
        }
    }
    return runs;
}

int run(std::string_view name, const std::filesystem::path& directory) {
    for (const NamedTarget& target : kTargets) {
        if (target.name != name) continue;
        const std::vector<Input> corpus = read_corpus(directory);
        std::printf("%zu inputs, %zu runs\n", corpus.size(), feed(target.run, corpus));
        return 0;
    }
    std::fprintf(stderr, "no target of this name\n");
    return 2;
}

}  // namespace
}  // namespace lockstep

int main(int count, char** values) {
    if (count != 3) {
        std::fprintf(stderr, "usage: fuzz_corpus_test TARGET CORPUS_DIRECTORY\n");
        return 2;
    }
    return lockstep::run(values[1], values[2]);
}
