#include "vault/log/record_codec.h"

#include <algorithm>
#include <optional>

#include "base/codec.h"
#include "vault/log/record_format.h"

namespace lockstep {
namespace {

// ---- writing
// ---------------------------------------------------------------------------------------

// Bytes that `r` takes inside an Attributes item.
std::size_t attribute_size(const AttributeRecord& r) {
    std::size_t value = r.value ? r.value->size() : 0;
    if (r.key != AttributeKey::Xattr) return 1 + value;
    return 1 + 1 + r.xattr.size() + 1 + (r.value ? 4 + value : 0);
}

class BatchWriter {
  public:
    BatchWriter(const RecordBatch& batch, const LogId& own_log)
        : batch_(batch), own_log_(own_log) {}

    Result<Bytes> write() {
        if (batch_.records.size() > kSegmentRecordsMax)
            return Error{ErrorKind::TooLarge, "records above the limit of a batch"};
        for (const Record& record : batch_.records) TRY_OK(check_record(record));
        while (at_ < batch_.records.size()) {
            TRY_OK(write_unknown());
            write_item();
        }
        TRY_OK(write_unknown());
        if (next_unknown_ != batch_.unknown.size())
            return Error{ErrorKind::Invalid, "unknown records out of order"};
        Bytes out = std::move(out_).take();
        for (auto [position, length] : lengths_)
            for (std::size_t i = 0; i < 4; ++i)
                out[position + i] = static_cast<std::byte>((length >> (8 * i)) & 0xff);
        return out;
    }

  private:
    // Records from at_ to where an unknown one stands between: an item does not straddle it.
    std::size_t run_length() const {
        std::size_t end = next_unknown_ < batch_.unknown.size()
                              ? batch_.unknown[next_unknown_].before
                              : batch_.records.size();
        return std::min(end, batch_.records.size()) - at_;
    }

    Status write_unknown() {
        while (next_unknown_ < batch_.unknown.size() &&
               batch_.unknown[next_unknown_].before == at_) {
            const UnknownRecord& unknown = batch_.unknown[next_unknown_++];
            if (unknown.kind <= kItemKindKnownMax || unknown.kind > kItemKindMask)
                return Error{ErrorKind::Invalid, "unknown record of a known kind"};
            if (unknown.body.size() > kRecordSizeMax)
                return Error{ErrorKind::Invalid, "record above its size limit"};
            begin(static_cast<std::uint8_t>(unknown.kind | kItemOptional), unknown.stamp);
            out_.raw(unknown.body);
            end();
        }
        if (next_unknown_ < batch_.unknown.size() && batch_.unknown[next_unknown_].before < at_)
            return Error{ErrorKind::Invalid, "unknown records out of order"};
        return {};
    }

    void write_item() {
        if (is_place()) return write_place();
        if (std::holds_alternative<AttributeRecord>(batch_.records[at_])) return write_attributes();
        std::visit([this](const auto& r) { write_one(r); }, batch_.records[at_]);
        ++at_;
    }

    bool is_place() const {
        if (run_length() < 3) return false;
        const auto* link = std::get_if<LinkRecord>(&batch_.records[at_]);
        const auto* parent = std::get_if<ParentRecord>(&batch_.records[at_ + 1]);
        const auto* name = std::get_if<NameRecord>(&batch_.records[at_ + 2]);
        return link != nullptr && parent != nullptr && name != nullptr &&
               parent->link == link->link && name->link == link->link &&
               parent->stamp == link->stamp && name->stamp == link->stamp;
    }

    void write_place() {
        const auto& link = std::get<LinkRecord>(batch_.records[at_]);
        begin(ItemKind::Place, link.stamp);
        out_.id(link.link).id(link.file).u8(static_cast<std::uint8_t>(link.type));
        out_.id(std::get<ParentRecord>(batch_.records[at_ + 1]).directory);
        short_text(std::get<NameRecord>(batch_.records[at_ + 2]).name);
        end();
        at_ += 3;
    }

    // As many of the following attributes of the same file and stamp as one item may hold.
    void write_attributes() {
        const auto& first = std::get<AttributeRecord>(batch_.records[at_]);
        std::size_t run = run_length(), count = 0, size = 16 + 2;
        while (count < run && count < kAttributesPerItemMax) {
            const auto* next = std::get_if<AttributeRecord>(&batch_.records[at_ + count]);
            if (next == nullptr || next->file != first.file || next->stamp != first.stamp) break;
            size += attribute_size(*next);
            if (count != 0 && size > kRecordSizeMax) break;
            ++count;
        }
        begin(ItemKind::Attributes, first.stamp);
        out_.id(first.file).u16(static_cast<std::uint16_t>(count));
        for (std::size_t i = 0; i < count; ++i)
            write_attribute(std::get<AttributeRecord>(batch_.records[at_ + i]));
        end();
        at_ += count;
    }

    void write_attribute(const AttributeRecord& r) {
        out_.u8(static_cast<std::uint8_t>(r.key));
        if (r.key != AttributeKey::Xattr) {
            out_.raw(*r.value);
            return;
        }
        short_text(r.xattr);
        out_.u8(r.value ? 1 : 0);
        if (r.value) out_.bytes(*r.value);
    }

    void write_one(const LinkRecord& r) {
        begin(ItemKind::Link, r.stamp);
        out_.id(r.link).id(r.file).u8(static_cast<std::uint8_t>(r.type));
        end();
    }
    void write_one(const ParentRecord& r) {
        begin(ItemKind::Parent, r.stamp);
        out_.id(r.link).id(r.directory);
        end();
    }
    void write_one(const NameRecord& r) {
        begin(ItemKind::Name, r.stamp);
        out_.id(r.link);
        short_text(r.name);
        end();
    }
    void write_one(const AttributeRecord&) {}  // write_attributes() does these
    void write_one(const VersionRecord& r) {
        begin(ItemKind::Version, r.stamp);
        out_.id(r.file).id(r.id).u8(static_cast<std::uint8_t>(r.content.kind));
        out_.u64(r.content.size).id(r.content.root);
        if (r.content.kind == Content::Kind::List) out_.u8(r.content.depth);
        if (r.content.kind == Content::Kind::Inline) out_.raw(r.content.inline_bytes);
        ids(r.replaces);
        short_text(r.device_label);
        end();
    }
    void write_one(const ResolveRecord& r) {
        begin(ItemKind::Resolve, r.stamp);
        out_.id(r.file);
        ids(r.drops);
        end();
    }
    void write_one(const DeleteRecord& r) {
        begin(ItemKind::Delete, r.stamp);
        out_.id(r.link);
        seen(r.seen_parent);
        seen(r.seen_name);
        ids(r.heads);
        ids(r.last);
        end();
    }

    void begin(ItemKind kind, const Stamp& stamp) { begin(static_cast<std::uint8_t>(kind), stamp); }
    void begin(std::uint8_t head, const Stamp& stamp) {
        if (last_stamp_ == stamp) {
            out_.u8(static_cast<std::uint8_t>(head | kItemSameStamp));
        } else if (stamp.log == own_log_) {
            out_.u8(head).u64(stamp.time);
        } else {
            out_.u8(static_cast<std::uint8_t>(head | kItemForeignLog))
                .u64(stamp.time)
                .id(stamp.log);
        }
        last_stamp_ = stamp;
        lengths_.push_back({out_.size(), 0});
        out_.u32(0);
    }
    void end() {
        lengths_.back().second =
            static_cast<std::uint32_t>(out_.size() - lengths_.back().first - 4);
    }
    void short_text(std::string_view text) {
        out_.u8(static_cast<std::uint8_t>(text.size())).raw(as_bytes(text));
    }
    void seen(const Stamp& stamp) {
        bool is_foreign = stamp.log != own_log_;
        out_.u8(is_foreign ? 1 : 0).u64(stamp.time);
        if (is_foreign) out_.id(stamp.log);
    }
    template <typename IdType>
    void ids(const std::vector<IdType>& list) {
        out_.u32(static_cast<std::uint32_t>(list.size()));
        for (const IdType& id : list) out_.id(id);
    }

    const RecordBatch& batch_;
    const LogId& own_log_;
    std::size_t at_ = 0;
    std::size_t next_unknown_ = 0;
    std::optional<Stamp> last_stamp_;
    std::vector<std::pair<std::size_t, std::uint32_t>> lengths_;  // where, and what belongs there
    Encoder out_;
};

// ---- reading
// ---------------------------------------------------------------------------------------

class BatchReader {
  public:
    BatchReader(ByteView bytes, const LogId& own_log) : in_(bytes), own_log_(own_log) {}

    Result<RecordBatch> read() {
        while (in_.remaining() != 0) {
            TRY_OK(read_item());
            if (batch_.records.size() > kSegmentRecordsMax ||
                batch_.unknown.size() > kSegmentRecordsMax)
                return corrupt("too many records");
        }
        return std::move(batch_);
    }

  private:
    static Error corrupt(std::string_view why) {
        return {ErrorKind::Corrupt, "records: " + std::string(why)};
    }

    Status read_item() {
        std::uint8_t head = in_.u8();
        TRY_OK(read_stamp(head));
        Decoder body(in_.bytes(kRecordSizeMax));
        if (in_.failed()) return in_.status();
        std::uint8_t kind = head & kItemKindMask;
        if (kind == 0) return corrupt("kind 0");
        bool is_optional = (head & kItemOptional) != 0;
        if (kind > kItemKindKnownMax) {
            if (!is_optional)
                return Error{ErrorKind::Unsupported, "records: unknown critical kind"};
            batch_.unknown.push_back(
                {batch_.records.size(), kind, stamp_, to_bytes(body.raw(body.remaining()))});
            return {};
        }
        if (is_optional) return corrupt("known kind marked optional");
        TRY_OK(read_body(static_cast<ItemKind>(kind), body));
        return body.finish();
    }

    Status read_stamp(std::uint8_t head) {
        if ((head & kItemSameStamp) != 0) {
            if (!has_stamp_ || (head & kItemForeignLog) != 0) return corrupt("stamp flags");
            return {};
        }
        stamp_.time = in_.u64();
        stamp_.log = (head & kItemForeignLog) != 0 ? in_.id<LogId>() : own_log_;
        has_stamp_ = true;
        return in_.status();
    }

    Status read_body(ItemKind kind, Decoder& in) {
        switch (kind) {
            case ItemKind::Place: {
                LinkRecord link{in.id<LinkId>(), in.id<FileId>(), FileType{in.u8()}, stamp_};
                ParentRecord parent{link.link, stamp_, in.id<FileId>()};
                NameRecord name{link.link, stamp_, short_text(in)};
                TRY_OK(add(in, link));
                TRY_OK(add(in, parent));
                return add(in, std::move(name));
            }
            case ItemKind::Link:
                return add(in,
                           LinkRecord{in.id<LinkId>(), in.id<FileId>(), FileType{in.u8()}, stamp_});
            case ItemKind::Parent:
                return add(in, ParentRecord{in.id<LinkId>(), stamp_, in.id<FileId>()});
            case ItemKind::Name:
                return add(in, NameRecord{in.id<LinkId>(), stamp_, short_text(in)});
            case ItemKind::Attributes:
                return read_attributes(in);
            case ItemKind::Version:
                return read_version(in);
            case ItemKind::Resolve:
                return add(in, ResolveRecord{in.id<FileId>(),
                                             ids<VersionId>(in, kVersionsReplacedMax), stamp_});
            case ItemKind::Delete:
                return add(in, DeleteRecord{in.id<LinkId>(), seen(in), seen(in),
                                            ids<VersionId>(in, kVersionsReplacedMax),
                                            ids<LinkId>(in, kDeleteLinksMax), stamp_});
        }
        return corrupt("kind");
    }

    Status read_attributes(Decoder& in) {
        FileId file = in.id<FileId>();
        std::size_t count = in.u16();
        if (count == 0 || count > kAttributesPerItemMax) in.fail("number of attributes");
        for (std::size_t i = 0; i < count && !in.failed(); ++i) {
            AttributeRecord r{file, AttributeKey{in.u8()}, {}, stamp_, {}};
            switch (r.key) {
                case AttributeKey::Mode:
                case AttributeKey::Uid:
                case AttributeKey::Gid:
                    r.value = to_bytes(in.raw(4));
                    break;
                case AttributeKey::ModifiedNs:
                case AttributeKey::BirthNs:
                    r.value = to_bytes(in.raw(8));
                    break;
                case AttributeKey::Xattr:
                    r.xattr = short_text(in);
                    if (in.u8() != 0) r.value = to_bytes(in.bytes(kXattrTotalSizeMax));
                    break;
                default:
                    if (!in.failed())
                        return Error{ErrorKind::Unsupported, "records: unknown attribute"};
            }
            TRY_OK(add(in, std::move(r)));
        }
        return in.status();
    }

    Status read_version(Decoder& in) {
        VersionRecord r;
        r.file = in.id<FileId>();
        r.id = in.id<VersionId>();
        r.content.kind = Content::Kind{in.u8()};
        r.content.size = in.u64();
        r.content.root = in.id<ContentRoot>();
        if (r.content.kind == Content::Kind::List) r.content.depth = in.u8();
        if (r.content.kind == Content::Kind::Inline) {
            if (r.content.size > kSymlinkSizeMax) in.fail("inline content too long");
            r.content.inline_bytes = to_bytes(in.raw(in.failed() ? 0 : r.content.size));
        }
        r.replaces = ids<VersionId>(in, kVersionsReplacedMax);
        r.stamp = stamp_;
        r.device_label = short_text(in);
        return add(in, std::move(r));
    }

    Status add(Decoder& in, Record record) {
        TRY_OK(in.status());
        if (auto allowed = check_record(record); !allowed.ok()) {
            Error error = std::move(allowed).error();
            if (error.kind == ErrorKind::Invalid) error.kind = ErrorKind::Corrupt;
            return error;
        }
        batch_.records.push_back(std::move(record));
        return {};
    }

    static std::string short_text(Decoder& in) {
        std::size_t size = in.u8();
        return std::string(as_text(in.raw(size)));
    }
    Stamp seen(Decoder& in) {
        std::uint8_t form = in.u8();
        if (form > 1) in.fail("form of a stamp");
        Stamp stamp;
        stamp.time = in.u64();
        stamp.log = form == 1 ? in.id<LogId>() : own_log_;
        return stamp;
    }
    template <typename IdType>
    static std::vector<IdType> ids(Decoder& in, std::size_t count_max) {
        std::uint32_t count = in.count(count_max, IdType::kSize);
        std::vector<IdType> out;
        if (in.failed()) return out;
        out.reserve(count);
        for (std::uint32_t i = 0; i < count; ++i) out.push_back(in.id<IdType>());
        return out;
    }

    Decoder in_;
    const LogId& own_log_;
    Stamp stamp_;
    bool has_stamp_ = false;
    RecordBatch batch_;
};

}  // namespace

Result<Bytes> encode_records(const RecordBatch& batch, const LogId& own_log) {
    return BatchWriter(batch, own_log).write();
}

Result<Bytes> encode_records(const std::vector<Record>& records, const LogId& own_log) {
    return encode_records(RecordBatch{records, {}}, own_log);
}

Result<RecordBatch> decode_own_records(ByteView bytes, const LogId& own_log) {
    return BatchReader(bytes, own_log).read();
}

Result<RecordBatch> decode_records(ByteView bytes, const LogId& own_log) {
    TRY(RecordBatch batch, decode_own_records(bytes, own_log));
    auto again = encode_records(batch, own_log);
    if (!again.ok() || !equal(*again, bytes))
        return Error{ErrorKind::Corrupt, "records: not in canonical form"};
    return batch;
}

}  // namespace lockstep
