// libtorrent's extension points. Everything here runs on ls-net, inside libtorrent's own calls: it
// must not add or remove torrents, and every call of a connection's handle must be made here.
#include <libtorrent/aux_/socket_type.hpp>
#include <libtorrent/bdecode.hpp>
#include <libtorrent/entry.hpp>
#include <libtorrent/error_code.hpp>
#include <libtorrent/peer_connection.hpp>
#include <libtorrent/torrent_peer.hpp>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "sync/torrent_core.h"

namespace lockstep {

namespace {

constexpr int kExtendedMessage = 20;  // BEP 10
constexpr int kLinkExtension = 20;    // our number for ls_sync in the peer's messages to us
constexpr std::size_t kNoncesKeptMax = 1024;
constexpr std::uint64_t kProgressStep = 64 * kKiB;

// A path that is dead tells nobody, and what waits to be sent again waits longer each time: a new
// connection is there sooner than the old one wakes up. However slow a line is, it acknowledges.
constexpr int kUnacknowledgedMaxMs = 12'000;

// libtorrent leaves Nagle's algorithm on, which costs 40 ms a message against delayed
// acknowledgements.
void set_tcp_options(const lt::peer_connection_handle& connection) {
    auto native = connection.native_handle();
    if (native == nullptr) return;
    auto* tcp = boost::get<lt::tcp::socket>(&native->get_socket());
    if (tcp == nullptr) return;
    lt::error_code ignored;
    tcp->set_option(lt::tcp::no_delay(true), ignored);
    // Without it the silence is noticed later.
    static_cast<void>(::setsockopt(tcp->native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT,
                                   &kUnacknowledgedMaxMs, sizeof(kUnacknowledgedMaxMs)));
}

// Our listen port is the control session's to tell. If libtorrent told it, it would take two
// connections that cross for duplicates, and either end would close the other's.
void hide_listen_port(lt::entry& handshake) {
    handshake.dict().erase("p");
}

// libtorrent waits a second for each failure, but a handshake of its own clears them: it would dial
// every two seconds whom we turn away after that, a second link to the same device for instance.
void delay_next_dial(const lt::peer_connection_handle& connection) {
    constexpr std::uint32_t kFailures = 29;  // of at most 31, with which it would give up
    auto native = connection.native_handle();
    lt::torrent_peer* peer = native == nullptr ? nullptr : native->peer_info_struct();
    if (peer != nullptr && peer->failcount < kFailures) peer->failcount = kFailures;
}

// A tunnel's near end takes one connection; the next tunnel has another one.
void never_dial_again(const lt::peer_connection_handle& connection) {
    constexpr std::uint32_t kFailures = 31;  // max_failcount
    auto native = connection.native_handle();
    lt::torrent_peer* peer = native == nullptr ? nullptr : native->peer_info_struct();
    if (peer != nullptr) peer->failcount = kFailures;
}

bool is_older_than(std::chrono::steady_clock::time_point since, std::chrono::seconds age) {
    return std::chrono::steady_clock::now() - since > age;
}

}  // namespace

class LinkPlugin final : public lt::peer_plugin {
  public:
    LinkPlugin(std::shared_ptr<LinkTable> table, SwarmNumber swarm, LinkNumber number,
               const lt::peer_connection_handle& connection)
        : table_(std::move(table)), swarm_(swarm), number_(number), connection_(connection) {}
    ~LinkPlugin() override { table_->links.erase(number_); }

    void add_handshake(lt::entry& handshake) override {
        hide_listen_port(handshake);
        handshake["m"]["ls_sync"] = kLinkExtension;
    }

    bool on_handshake(lt::span<char const>) override {
        set_tcp_options(connection_);
        return true;
    }

    bool on_extension_handshake(const lt::bdecode_node& handshake) override {
        if (is_open_) return true;
        lt::bdecode_node names = handshake.dict_find_dict("m");
        std::int64_t id = names ? names.dict_find_int_value("ls_sync", 0) : 0;
        if (id <= 0 || id > 255 || table_->links.size() > kLinksPerSwarmMax * 8) {
            cut();
            return true;
        }
        remote_id_ = static_cast<std::uint8_t>(id);
        is_open_ = true;
        table_->events.link_opened(
            swarm_, number_, connection_.is_outgoing() ? LinkSide::Dialler : LinkSide::Acceptor,
            to_peer_address(connection_.remote()));
        return true;
    }

    bool on_extended(int length, int message, lt::span<char const> body) override {
        if (message != kLinkExtension) return false;
        if (!is_open_ || length < 0 || static_cast<std::size_t>(length) > kFrameSizeMax) {
            cut();
            return true;
        }
        if (body.size() < length) return true;  // called again when all of it is here
        if (*queued_ > kReceiveQueueMax) {
            cut();
            return true;
        }
        auto frame = std::make_shared<InboundFrame>(
            to_bytes(as_bytes({body.data(), static_cast<std::size_t>(body.size())})), queued_);
        table_->events.link_frame(swarm_, number_, std::move(frame));
        return true;
    }

    void on_disconnect(const lt::error_code&) override {
        if (connection_.is_outgoing() && is_near_end(to_peer_address(connection_.remote()).host))
            never_dial_again(connection_);
        table_->links.erase(number_);
        if (is_open_) table_->events.link_closed(swarm_, number_);
        is_open_ = false;
    }

    void tick() override {
        // Behind the time that libtorrent gives connecting: a network that is down blames nobody.
        if (!is_open_ && is_older_than(born_, std::chrono::seconds(7))) cut();
    }

    // The swarm's torrent has no content: nobody has pieces, nobody gets any.
    bool on_bitfield(const lt::bitfield&) override { return true; }
    bool on_have(lt::piece_index_t) override { return true; }
    bool on_have_all() override { return true; }
    bool on_request(const lt::peer_request&) override { return true; }
    bool on_piece(const lt::peer_request&, lt::span<char const>) override { return true; }
    bool on_interested() override { return true; }
    bool on_suggest(lt::piece_index_t) override { return true; }
    bool on_allowed_fast(lt::piece_index_t) override { return true; }

    void send(std::vector<Bytes>& frames) {
        if (!is_open_ || connection_.is_disconnecting()) return;
        for (Bytes& frame : frames) {
            auto length = static_cast<std::uint32_t>(frame.size() - 4);
            for (std::size_t i = 0; i < 4; ++i)
                frame[i] = static_cast<std::byte>((length >> (24 - 8 * i)) & 0xff);
            frame[4] = std::byte{kExtendedMessage};
            frame[5] = std::byte{remote_id_};
            connection_.send_buffer(reinterpret_cast<const char*>(frame.data()),
                                    static_cast<int>(frame.size()));
        }
    }

    void close(LinkEnd end) {
        if (end == LinkEnd::Blamed) delay_next_dial(connection_);
        connection_.disconnect(lt::errors::torrent_aborted, lt::operation_t::bittorrent,
                               end == LinkEnd::Blamed ? lt::peer_connection_interface::peer_error
                                                      : lt::peer_connection_interface::normal);
    }

  private:
    void cut() { close(LinkEnd::Blamed); }

    std::shared_ptr<LinkTable> table_;
    SwarmNumber swarm_;
    LinkNumber number_;
    lt::peer_connection_handle connection_;
    std::uint8_t remote_id_ = 0;
    bool is_open_ = false;
    std::chrono::steady_clock::time_point born_ = std::chrono::steady_clock::now();
    std::shared_ptr<std::atomic<std::size_t>> queued_ =
        std::make_shared<std::atomic<std::size_t>>(0);
};

namespace {

class SwarmPlugin final : public lt::torrent_plugin {
  public:
    SwarmPlugin(std::shared_ptr<LinkTable> table, SwarmNumber swarm)
        : table_(std::move(table)), swarm_(swarm) {}

    std::shared_ptr<lt::peer_plugin> new_connection(
        const lt::peer_connection_handle& connection) override {
        LinkNumber number = ++table_->last;
        auto link = std::make_shared<LinkPlugin>(table_, swarm_, number, connection);
        table_->links.emplace(number, link);
        return link;
    }

  private:
    std::shared_ptr<LinkTable> table_;
    SwarmNumber swarm_;
};

// Guards one connection of a pack torrent. Until the peer has shown a token it exists for neither
// the piece picker nor the hash picker: libtorrent 2.0.8 can be made to write out of bounds by
// whoever it asks for hashes, so it must never ask a stranger. (Removing the plugin by returning
// false would lift the veto: we disconnect instead.)
class PackPlugin final : public lt::peer_plugin {
  public:
    PackPlugin(std::shared_ptr<PackRecord> record, const lt::peer_connection_handle& connection)
        : record_(std::move(record)), connection_(connection) {
        ++record_->connections;
    }
    ~PackPlugin() override { --record_->connections; }

    void add_handshake(lt::entry& handshake) override {
        hide_listen_port(handshake);
        Bytes token = make_pack_token(record_->keys, record_->torrent, own_side());
        handshake["ls_auth"] = std::string(as_text(token));
    }

    bool on_handshake(lt::span<char const>) override {
        set_tcp_options(connection_);
        return true;
    }

    bool on_extension_handshake(const lt::bdecode_node& handshake) override {
        if (is_trusted_) return true;
        lt::string_view text = handshake.dict_find_string_value("ls_auth");
        auto token = check_pack_token(
            as_bytes({text.data(), text.size()}), record_->keys, record_->torrent,
            own_side() == LinkSide::Dialler ? LinkSide::Acceptor : LinkSide::Dialler);
        bool is_fresh = token.ok() && record_->nonces.size() < kNoncesKeptMax &&
                        record_->nonces.insert(token->nonce).second;
        if (!is_fresh) {
            cut();
            return true;
        }
        is_trusted_ = true;
        record_->last_used = std::chrono::steady_clock::now();
        if (!record_->is_seed && !record_->is_over)
            record_->events.pack_progress(record_->pack.id, 0);
        return true;
    }

    void tick() override {
        if (!is_trusted_ && is_older_than(born_, std::chrono::seconds(3))) cut();
    }

    void sent_payload(int) override { record_->last_used = std::chrono::steady_clock::now(); }

    bool on_choke() override { return veto(); }
    bool on_unchoke() override { return veto(); }
    bool on_interested() override { return veto(); }
    bool on_not_interested() override { return veto(); }
    bool on_have(lt::piece_index_t) override { return veto(); }
    bool on_dont_have(lt::piece_index_t) override { return veto(); }
    bool on_bitfield(const lt::bitfield&) override { return veto(); }
    bool on_have_all() override { return veto(); }
    bool on_have_none() override { return veto(); }
    bool on_allowed_fast(lt::piece_index_t) override { return veto(); }
    bool on_request(const lt::peer_request&) override { return veto(); }
    bool on_piece(const lt::peer_request&, lt::span<char const> block) override {
        if (veto()) return true;
        if (!record_->is_seed && !record_->is_over)
            report_progress(static_cast<std::uint64_t>(block.size()));
        return false;
    }
    bool on_cancel(const lt::peer_request&) override { return veto(); }
    bool on_reject(const lt::peer_request&) override { return veto(); }
    bool on_suggest(lt::piece_index_t) override { return veto(); }

  private:
    LinkSide own_side() const {
        return connection_.is_outgoing() ? LinkSide::Dialler : LinkSide::Acceptor;
    }

    // True swallows the message. Nobody honest speaks before the extension handshake: that ends the
    // connection.
    bool veto() {
        if (is_trusted_) return false;
        cut();
        return true;
    }

    void report_progress(std::uint64_t bytes) {
        record_->unreported_bytes += bytes;
        if (record_->unreported_bytes < kProgressStep) return;
        record_->events.pack_progress(record_->pack.id,
                                      std::exchange(record_->unreported_bytes, 0));
    }

    void cut() {
        connection_.disconnect(lt::errors::invalid_encrypt_handshake, lt::operation_t::bittorrent,
                               lt::peer_connection_interface::peer_error);
    }

    std::shared_ptr<PackRecord> record_;
    lt::peer_connection_handle connection_;
    bool is_trusted_ = false;
    std::chrono::steady_clock::time_point born_ = std::chrono::steady_clock::now();
};

class PackTorrentPlugin final : public lt::torrent_plugin {
  public:
    explicit PackTorrentPlugin(std::shared_ptr<PackRecord> record) : record_(std::move(record)) {}
    std::shared_ptr<lt::peer_plugin> new_connection(
        const lt::peer_connection_handle& connection) override {
        return std::make_shared<PackPlugin>(record_, connection);
    }

  private:
    std::shared_ptr<PackRecord> record_;
};

}  // namespace

std::shared_ptr<lt::torrent_plugin> make_swarm_plugin(std::shared_ptr<LinkTable> table,
                                                      SwarmNumber swarm) {
    return std::make_shared<SwarmPlugin>(std::move(table), swarm);
}

std::shared_ptr<lt::torrent_plugin> make_pack_plugin(std::shared_ptr<PackRecord> record) {
    return std::make_shared<PackTorrentPlugin>(std::move(record));
}

void send_on_link(LinkTable& table, LinkNumber link, std::vector<Bytes>& frames) {
    auto at = table.links.find(link);
    if (at == table.links.end()) return;
    if (auto plugin = at->second.lock()) plugin->send(frames);
}

void close_link(LinkTable& table, LinkNumber link, LinkEnd end) {
    auto at = table.links.find(link);
    if (at == table.links.end()) return;
    if (auto plugin = at->second.lock()) plugin->close(end);
}

PeerAddress to_peer_address(const lt::tcp::endpoint& endpoint) {
    return {endpoint.address().to_string(), endpoint.port()};
}

}  // namespace lockstep
