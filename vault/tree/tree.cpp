#include "vault/tree/tree.h"

#include <algorithm>

#include "vault/tree/tree_state.h"

namespace lockstep {

Tree::Tree(const TreeEnvironment& environment) : state_(std::make_unique<TreeState>(environment)) {}

Tree::~Tree() = default;

TreeChanges Tree::take_changes() {
    state_->view.settle();
    return state_->view.take_changes();
}

// ---- pending records

namespace {

// The same register, set by one operation again.
bool overrides(const Record& now, const Record& before) {
    if (const auto* a = std::get_if<ParentRecord>(&now)) {
        const auto* b = std::get_if<ParentRecord>(&before);
        return b != nullptr && a->link == b->link && a->stamp == b->stamp;
    }
    if (const auto* a = std::get_if<NameRecord>(&now)) {
        const auto* b = std::get_if<NameRecord>(&before);
        return b != nullptr && a->link == b->link && a->stamp == b->stamp;
    }
    if (const auto* a = std::get_if<AttributeRecord>(&now)) {
        const auto* b = std::get_if<AttributeRecord>(&before);
        return b != nullptr && a->file == b->file && a->key == b->key && a->xattr == b->xattr &&
               a->stamp == b->stamp;
    }
    return false;
}

}  // namespace

void TreeState::emit(Record record) {
    const auto first = pending.begin() + static_cast<std::ptrdiff_t>(operation_begin);
    const auto before = std::find_if(first, pending.end(),
                                     [&](const Record& each) { return overrides(record, each); });
    const bool again = before != pending.end();
    if (again) pending.erase(before);
    facts.add(record, again ? RecordSource::Override : RecordSource::Own);
    pending.push_back(std::move(record));
}

void TreeState::emit_parent(Index link, Index directory, const Stamp& stamp) {
    emit(ParentRecord{facts.link(link).id, stamp, facts.file(directory).id});
}

void TreeState::emit_name(Index link, std::string_view name, const Stamp& stamp) {
    emit(NameRecord{facts.link(link).id, stamp, std::string(name)});
}

void TreeState::emit_attributes(Index file, std::span<const AttributeSetting> settings,
                                const Stamp& stamp) {
    const FileId id = facts.file(file).id;
    for (const AttributeSetting& each : settings) {
        emit(AttributeRecord{id, each.key, each.xattr, stamp, each.value});
    }
}

// Records of forks are never coalesced away, since another device may publish the same ones.
void TreeState::mark_fork(const FileId& file, const VersionId& version) {
    const DerivedIds& ids = environment.derived_ids;
    const Index fork = facts.find_file(ids.file(file, version));
    if (fork == kNoIndex) return;
    facts.file(fork).derived_id = true;
    if (VersionState* first =
            find_version(facts.file(fork), ids.version(facts.file(fork).id, version))) {
        first->derived_id = true;
    }
    for (const Index link : facts.links_of(facts.find_file(file))) {
        const Index made = facts.find_link(ids.link(facts.link(link).id, version));
        if (made != kNoIndex) facts.link(made).derived_id = true;
    }
}

// ---- records in and out

void Tree::apply(std::span<const Record> records) {
    for (const Record& record : records) state_->facts.add(record, RecordSource::Published);
    state_->view.settle();
}

void Tree::load(std::span<const Record> records) {
    for (const Record& record : records) state_->facts.add(record, RecordSource::Published);
}

void Tree::finish_loading() {
    state_->view.settle_unseen();
}

void Tree::clear() {
    const TreeEnvironment environment = state_->environment;
    state_ = std::make_unique<TreeState>(environment);
}

const std::vector<Record>& Tree::pending() const {
    return state_->pending;
}

std::vector<Record> Tree::take_new_records() {
    TreeState& state = *state_;
    const auto first = state.pending.begin() + static_cast<std::ptrdiff_t>(state.new_begin);
    std::vector<Record> records(first, state.pending.end());
    state.new_begin = state.pending.size();
    return records;
}

void Tree::restore_pending(std::span<const Record> records) {
    TreeState& state = *state_;
    for (const Record& record : records) {
        state.facts.add(record, RecordSource::Own);
        state.pending.push_back(record);
    }
    state.view.settle();
    for (const Record& record : records) {
        const auto* resolve = std::get_if<ResolveRecord>(&record);
        if (resolve == nullptr || state.facts.find_file(resolve->file) == kNoIndex) continue;
        for (const VersionId& version : resolve->drops) state.mark_fork(resolve->file, version);
    }
    state.new_begin = state.operation_begin = state.pending.size();
}

PublishedRecords Tree::publish() {
    return state_->publish();
}

}  // namespace lockstep
