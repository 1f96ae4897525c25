// Views of one FileSystem: each passes the conformance suite, is kept to its directory, and hears
// of what the others do.
#include "vault/file_views.h"

#include <gtest/gtest.h>

#include "tests/support/memory_file_system.h"
#include "tests/vault/file_system_conformance.h"

namespace lockstep {
namespace {

// A view of the root, and one of a directory with neighbours, are file systems like any other.
class ViewUnderTest final : public FileSystemUnderTest {
  public:
    explicit ViewUnderTest(bool is_of_root) {
        NodeId root = kRootNode;
        if (!is_of_root) {
            const auto directory = base_.make_directory(kRootNode, "d", 0755);
            const auto beside = base_.make_directory(kRootNode, "beside", 0755);
            CHECK(directory.ok() && beside.ok());
            base_.forget(beside->node, 1);
            root = directory->node;
        }
        view_ = views_.open(root);
    }
    FileSystem& fs() override { return *view_; }

  private:
    MemoryFileSystem base_;
    FileViews views_{base_};
    std::unique_ptr<FileView> view_;
};

INSTANTIATE_TEST_SUITE_P(
    View, FileSystemConformance,
    testing::Values(
        FileSystemFactory{"Whole", [] { return std::make_unique<ViewUnderTest>(true); }},
        FileSystemFactory{"Folder", [] { return std::make_unique<ViewUnderTest>(false); }}));

struct Heard final : ChangeObserver {
    void node_changed(NodeId node) override { nodes.push_back(node); }
    void entry_changed(NodeId directory, const std::string& name) override {
        entries.emplace_back(directory, name);
    }
    std::vector<NodeId> nodes;
    std::vector<std::pair<NodeId, std::string>> entries;
};

class FileViewsTest : public testing::Test {
  protected:
    FileViewsTest() {
        directory_ = base_.make_directory(kRootNode, "d", 0755).value().node;
        whole_ = views_.open(kRootNode);
        part_ = views_.open(directory_);
        whole_->add_observer(heard_by_whole_);
        part_->add_observer(heard_by_part_);
    }
    ~FileViewsTest() override {
        whole_->remove_observer(heard_by_whole_);
        part_->remove_observer(heard_by_part_);
        part_.reset();
        EXPECT_EQ(base_.references(), 0U) << "the view gives its root back";
    }

    MemoryFileSystem base_;
    FileViews views_{base_};
    NodeId directory_ = 0;
    std::unique_ptr<FileView> whole_, part_;
    Heard heard_by_whole_, heard_by_part_;
};

TEST_F(FileViewsTest, TheDirectoryIsTheRoot) {
    EXPECT_EQ(part_->attributes(kRootNode).value().node, kRootNode);
    const auto made = part_->make_directory(kRootNode, "e", 0755);
    ASSERT_TRUE(made.ok());
    EXPECT_EQ(whole_->list(directory_).value()->size(), 1U);
    EXPECT_EQ(part_->list(kRootNode).value()->size(), 1U);
    part_->forget(made->node, 1);
    part_->forget(kRootNode, 1);  // the root is never handed out, so nothing is given back
    EXPECT_TRUE(part_->attributes(kRootNode).ok());
}

TEST_F(FileViewsTest, ItGoesWithARenameAndStaysWhereItWasRemoved) {
    ASSERT_TRUE(whole_->rename(kRootNode, "d", kRootNode, "moved", RenameMode::Replace).ok());
    const auto made = part_->make_node(kRootNode, "f", {});
    ASSERT_TRUE(made.ok());
    part_->forget(made->node, 1);
    ASSERT_TRUE(part_->remove_file(kRootNode, "f").ok());
    ASSERT_TRUE(whole_->remove_directory(kRootNode, "moved").ok());
    EXPECT_TRUE(part_->list(kRootNode).value()->empty());
    EXPECT_EQ(part_->make_node(kRootNode, "f", {}).error().kind, ErrorKind::NotFound);
}

TEST_F(FileViewsTest, NewsComeInTheViewsNumbersAndNotFromOutside) {
    base_.report_entry(directory_, "f");
    base_.report_node(directory_);
    base_.report_node(kRootNode);
    base_.report_entry(kRootNode, "g");
    using Entries = std::vector<std::pair<NodeId, std::string>>;
    EXPECT_EQ(heard_by_part_.entries, (Entries{{kRootNode, "f"}}));
    EXPECT_EQ(heard_by_part_.nodes, std::vector<NodeId>{kRootNode});
    EXPECT_EQ(heard_by_whole_.entries, (Entries{{directory_, "f"}, {kRootNode, "g"}}));
    EXPECT_EQ(heard_by_whole_.nodes, (std::vector<NodeId>{directory_, kRootNode}));
}

TEST_F(FileViewsTest, TheOthersHearOfBytesAtOnce) {
    const auto created = part_->create(kRootNode, "f", 0644);
    ASSERT_TRUE(created.ok());
    const NodeId node = created->attributes.node;
    ASSERT_TRUE(part_->write(created->handle, 0, as_bytes("x")).ok());
    EXPECT_EQ(heard_by_whole_.nodes, std::vector<NodeId>{node});
    AttributeChange change;
    change.size = 0;
    ASSERT_TRUE(part_->set_attributes(node, change, created->handle).ok());
    EXPECT_EQ(heard_by_whole_.nodes.size(), 2U);
    const auto other = whole_->open(node, {.read = false, .write = true, .truncate = true});
    ASSERT_TRUE(other.ok());
    ASSERT_TRUE(whole_->write(*other, 0, as_bytes("y")).ok());
    EXPECT_EQ(heard_by_part_.nodes, (std::vector<NodeId>{node, node}));
    EXPECT_EQ(heard_by_whole_.nodes.size(), 2U) << "nobody hears of himself";
    whole_->release(*other);
    part_->release(created->handle);
    part_->forget(node, 1);
}

}  // namespace
}  // namespace lockstep
