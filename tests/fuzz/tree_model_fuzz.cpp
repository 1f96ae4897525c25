// Operations of two or three devices, published and exchanged as the input says: the tree shows
// what the reference model shows after every one of them, and in the end all devices show the same.
#include <memory>

#include "base/codec.h"
#include "tests/vault/tree_world.h"

using namespace lockstep;

namespace {

constexpr std::size_t kStepsMax = 48;  // the model computes everything anew at each

// Few names, so that they meet.
class Schedule {
  public:
    explicit Schedule(ByteView input) : in_(input) {
        const std::size_t count = 2 + in_.u8() % 2;
        for (std::size_t at = 0; at < count; ++at)
            devices_.push_back(
                std::make_unique<TreeDevice>(std::string(1, static_cast<char>('A' + at)), at + 1));
        delivered_.resize(count);
    }

    void run() {
        for (std::size_t step = 0; step < kStepsMax && in_.remaining() > 0; ++step) {
            const std::size_t at = in_.u8() % devices_.size();
            operate(at);
            check(*devices_[at]);
        }
        for (std::size_t at = 0; at < devices_.size(); ++at) publish(at);
        for (std::size_t at = 0; at < devices_.size(); ++at) {
            while (deliver_any(at)) check(*devices_[at]);
            check(*devices_[at]);
            CHECK(devices_[at]->seen() == devices_[0]->seen(), "devices differ in the end");
        }
    }

  private:
    static void check(TreeDevice& device) {
        const std::string difference = device.difference();
        CHECK(difference.empty(), difference);
    }
    std::string path() {
        static const char* const kPaths[] = {"/a",   "/b",   "/d",     "/e",     "/d/a",  "/d/b",
                                             "/e/a", "/d/d", "/d/d/a", "/d/d/b", "/e/d/a"};
        return kPaths[in_.u8() % std::size(kPaths)];
    }
    std::string text() { return std::string(1, static_cast<char>('p' + in_.u8() % 4)); }

    void operate(std::size_t at) {
        TreeDevice& device = *devices_[at];
        const std::uint8_t what = in_.u8() % 17;
        const int handle = what % 2;
        switch (what) {
            case 0:
                device.create(path(), text());
                break;
            case 1:
                device.mkdir(path());
                break;
            case 2:
                device.write(path(), text());
                break;
            case 3:
                device.unlink(path());
                break;
            case 4:
                device.rmdir(path());
                break;
            case 5:
            case 6: {
                const std::string from = path();
                device.rename(from, path(), static_cast<RenameMode>(in_.u8() % 3));
                break;
            }
            case 7: {
                const std::string from = path();
                device.link(from, path());
                break;
            }
            case 8:
                device.chmod(path(), in_.u8() % 3);
                break;
            case 9:
                device.resolve(path());
                break;
            case 10:
                restore(device);
                break;
            case 11:
                device.create(path(), text(), FileType::Symlink);
                break;
            case 12:
                if (!device.has_open(handle)) device.open(handle, path());
                break;
            case 13:
                if (device.has_open(handle - 1)) device.close(handle - 1, text());
                break;
            case 14:
                device.restart();
                break;
            case 15:
                publish(at);
                break;
            default:
                deliver(at, in_.u8());
        }
    }
    void restore(TreeDevice& device) {
        const auto trash = device.tree().trash();
        if (!trash.empty()) device.restore(trash[in_.u8() % trash.size()].link);
    }
    void publish(std::size_t at) {
        if (auto segment = devices_[at]->publish()) {
            segments_.push_back(*segment);
            delivered_[at].insert(segments_.size() - 1);
        }
    }
    bool deliver(std::size_t at, std::size_t which) {
        if (segments_.empty()) return false;
        which %= segments_.size();
        if (delivered_[at].contains(which) || !devices_[at]->deliver(segments_[which]))
            return false;
        delivered_[at].insert(which);
        return true;
    }
    bool deliver_any(std::size_t at) {
        for (std::size_t which = 0; which < segments_.size(); ++which)
            if (deliver(at, which)) return true;
        return false;
    }

    Decoder in_;
    std::vector<std::unique_ptr<TreeDevice>> devices_;
    std::vector<std::set<std::size_t>> delivered_;
    std::vector<TreeSegment> segments_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 0) Schedule(std::as_bytes(std::span(data, size))).run();
    return 0;
}
