// libtorrent's session and its alerts. What 2.0.8 does, and what is done about it:
//   * It dials peers on its one-second tick, except when a torrent is resumed: so every torrent is
//   added paused,
//     with its peers, and resumed when checked. A plain add costs a second.
//   * A torrent that runs on an io_context of ours must be gone before that context: stop() keeps
//   the order.
//   * A seed without piece layers stalls for seconds: they come from the replica.
#include "sync/torrent_session.h"

#include <climits>
#include <future>
#include <map>
#include <thread>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <libtorrent/add_torrent_params.hpp>
#include <libtorrent/alert_types.hpp>
#include <libtorrent/bencode.hpp>
#include <libtorrent/hex.hpp>
#include <libtorrent/ip_filter.hpp>
#include <libtorrent/peer_class.hpp>
#include <libtorrent/peer_class_type_filter.hpp>
#include <libtorrent/session.hpp>
#include <libtorrent/session_params.hpp>
#include <libtorrent/settings_pack.hpp>
#include <libtorrent/torrent_info.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/unique_fd.h"
#include "base/worker_pool.h"
#include "sync/pack_disk.h"
#include "sync/torrent_core.h"

namespace lockstep {

namespace {

constexpr std::size_t kSyntheticSize = 16 * kKiB;
// Its tick hands out what limits let through; all else of it is done once a second.
constexpr int kLimitingTickMs = 100, kCalmTickMs = 500;

void set_dht(lt::settings_pack& s, const TorrentSessionOptions& options) {
    s.set_int(lt::settings_pack::dht_announce_interval, 300);
    if (options.dht_bootstrap_nodes.empty()) return;
    std::string nodes;
    for (const std::string& node : options.dht_bootstrap_nodes)
        nodes += (nodes.empty() ? "" : ",") + node;
    s.set_str(lt::settings_pack::dht_bootstrap_nodes, nodes);
    // These keep somebody with many addresses of one network from filling the public table.
    s.set_bool(lt::settings_pack::dht_restrict_routing_ips, false);
    s.set_bool(lt::settings_pack::dht_restrict_search_ips, false);
}

// What asks others than peers. Not the proxy of libtorrent's: with one it takes no connections, and
// dials everybody through it, tunnels' near ends on this machine as well.
void set_reach(lt::settings_pack& s, const TorrentSessionOptions& options, bool keeps_local) {
    s.set_bool(lt::settings_pack::enable_dht, options.dht && !keeps_local);
    s.set_bool(lt::settings_pack::enable_upnp, options.port_mapping && !keeps_local);
    s.set_bool(lt::settings_pack::enable_natpmp, options.port_mapping && !keeps_local);
}

lt::settings_pack session_settings(const TorrentSessionOptions& options,
                                   const std::string& interfaces) {
    lt::settings_pack s;
    s.set_str(lt::settings_pack::listen_interfaces, interfaces);
    s.set_str(lt::settings_pack::user_agent, "Lockstep");
    s.set_str(lt::settings_pack::handshake_client_version, "");
    s.set_str(lt::settings_pack::peer_fingerprint, "-LS0100-");
    s.set_int(
        lt::settings_pack::alert_mask,
        static_cast<int>(static_cast<std::uint32_t>(
            lt::alert_category::status | lt::alert_category::error | lt::alert_category::tracker)));
    s.set_int(lt::settings_pack::alert_queue_size, 100'000);
    if (options.dht) set_dht(s, options);
    set_reach(s, options, options.keeps_local);
    s.set_bool(lt::settings_pack::enable_lsd, options.lan_discovery);
    // Else it asks the first that answers and no other: a lying relay would keep members apart.
    s.set_bool(lt::settings_pack::announce_to_all_trackers, true);
    s.set_bool(lt::settings_pack::announce_to_all_tiers, true);
    s.set_bool(lt::settings_pack::enable_incoming_utp, false);
    s.set_bool(lt::settings_pack::enable_outgoing_utp, false);
    // Nothing rests on the transport's secrecy, and RC4 would cost six times the speed.
    s.set_int(lt::settings_pack::in_enc_policy, lt::settings_pack::pe_disabled);
    s.set_int(lt::settings_pack::out_enc_policy, lt::settings_pack::pe_disabled);
    s.set_int(lt::settings_pack::mixed_mode_algorithm, lt::settings_pack::prefer_tcp);
    s.set_bool(lt::settings_pack::allow_multiple_connections_per_ip, true);
    s.set_bool(lt::settings_pack::close_redundant_connections, false);
    s.set_int(lt::settings_pack::connection_speed, 500);
    s.set_int(lt::settings_pack::torrent_connect_boost, 255);
    s.set_bool(lt::settings_pack::smooth_connects, false);
    s.set_int(lt::settings_pack::min_reconnect_time, 1);
    s.set_int(lt::settings_pack::max_failcount, 31);
    // Three SYNs: the next one of a path that was cut meanwhile would come after seven seconds
    // more.
    s.set_int(lt::settings_pack::peer_connect_timeout, 5);
    s.set_int(lt::settings_pack::unchoke_slots_limit, -1);
    s.set_int(lt::settings_pack::choking_algorithm, lt::settings_pack::fixed_slots_choker);
    s.set_int(lt::settings_pack::max_out_request_queue, 1500);
    s.set_int(lt::settings_pack::max_allowed_in_request_queue, 2000);
    s.set_int(lt::settings_pack::request_queue_time, 3);
    s.set_int(lt::settings_pack::send_buffer_watermark, 4 * 1024 * 1024);
    s.set_int(lt::settings_pack::send_buffer_low_watermark, 256 * 1024);
    s.set_int(lt::settings_pack::send_buffer_watermark_factor, 150);
    s.set_int(lt::settings_pack::max_queued_disk_bytes, 16 * 1024 * 1024);
    s.set_int(lt::settings_pack::initial_picker_threshold, 0);
    s.set_bool(lt::settings_pack::strict_end_game_mode, true);
    s.set_int(lt::settings_pack::tick_interval, kCalmTickMs);
    s.set_int(lt::settings_pack::active_downloads, -1);
    s.set_int(lt::settings_pack::active_seeds, -1);
    s.set_int(lt::settings_pack::active_limit, -1);
    s.set_int(lt::settings_pack::connections_limit, 5000);
    s.set_bool(lt::settings_pack::rate_limit_ip_overhead, false);
    s.set_int(lt::settings_pack::stop_tracker_timeout, 1);
    return s;
}

// A port that is free on all addresses, so that one number names us everywhere.
std::uint16_t find_free_port() {
    UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    socklen_t size = sizeof(sockaddr_in6);
    if (fd.ok()) {
        storage.ss_family = AF_INET6;
    } else {
        fd = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        storage.ss_family = AF_INET;
        size = sizeof(sockaddr_in);
    }
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    if (!fd.ok() || ::bind(fd.get(), address, size) != 0 ||
        ::getsockname(fd.get(), address, &size) != 0)
        return 0;
    return storage.ss_family == AF_INET6
               ? ntohs(reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port)
               : ntohs(reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
}

std::string listen_interfaces(const std::vector<std::string>& addresses, std::uint16_t port) {
    std::string out;
    for (const std::string& address : addresses) {
        if (!out.empty()) out += ',';
        bool is_v6 = address.find(':') != std::string::npos && address.front() != '[';
        out += (is_v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
    }
    return out;
}

std::string derived_hex(const SwarmSeed& seed, std::string_view label) {
    Bytes in = to_bytes(as_bytes(label));
    append(in, seed);
    return hex(session_hash(in));
}

// The torrent of a swarm: one piece that nobody has. Its info-hash is all that a tracker learns.
std::shared_ptr<lt::torrent_info> synthetic_torrent(const SwarmSeed& seed) {
    std::string name = derived_hex(seed, "lockstep control torrent 1 name");
    Bytes root = from_hex(derived_hex(seed, "lockstep control torrent 1 root")).value();
    lt::entry file;
    file["length"] = static_cast<std::int64_t>(kSyntheticSize);
    file["pieces root"] = std::string(as_text(root));
    lt::entry torrent;
    lt::entry& info = torrent["info"];
    info["file tree"][name][""] = file;
    info["meta version"] = 2;
    info["name"] = name;
    info["piece length"] = static_cast<std::int64_t>(kSyntheticSize);
    std::vector<char> bytes;
    lt::bencode(std::back_inserter(bytes), torrent);
    lt::error_code error;
    auto out =
        std::make_shared<lt::torrent_info>(lt::span<char const>(bytes), error, lt::from_span);
    CHECK(!error, error.message());
    return out;
}

std::optional<lt::tcp::endpoint> to_endpoint(const PeerAddress& address) {
    lt::error_code error;
    auto ip = lt::make_address(address.host, error);
    if (error || address.port == 0) return std::nullopt;
    return lt::tcp::endpoint(ip, address.port);
}

// Whom the session has to do with at all.
lt::ip_filter reach_filter(bool keeps_local) {
    lt::ip_filter filter;
    if (!keeps_local) return filter;
    const auto add = [&](const char* first, const char* last, std::uint32_t flags) {
        filter.add_rule(lt::make_address(first), lt::make_address(last), flags);
    };
    add("0.0.0.0", "255.255.255.255", lt::ip_filter::blocked);
    add("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", lt::ip_filter::blocked);
    add("127.0.0.0", "127.255.255.255", 0);
    add("::1", "::1", 0);
    for (const auto& [first, last] : kLocalNetworks) add(first, last, 0);
    return filter;
}

struct SwarmRecord {
    SwarmNumber number = 0;
    lt::torrent_handle handle;
};

class LibtorrentSession final : public TorrentSession {
  public:
    explicit LibtorrentSession(TorrentEvents& events)
        : events_(events), links_(std::make_shared<LinkTable>(events)), timer_(context_) {}

    ~LibtorrentSession() override { stop(); }

    Status listen(const TorrentSessionOptions& options);

    std::uint16_t listen_port() const override { return port_; }

    void set_limits(const TorrentLimits& limits) override {
        post([=, this] { set_limits_now(limits); });
    }
    void keep_local(bool keeps_local) override {
        post([=, this] { keep_local_now(keeps_local); });
    }
    void open_swarm(SwarmNumber swarm, const SwarmSeed& seed, std::vector<std::string> relays,
                    std::vector<PeerAddress> addresses) override {
        post([=, this] { open_swarm_now(swarm, seed, relays, addresses); });
    }
    void close_swarm(SwarmNumber swarm) override {
        post([=, this] { close_swarm_now(swarm); });
    }
    void set_relays(SwarmNumber swarm, std::vector<std::string> relays) override {
        post([=, this] {
            auto at = swarms_.find(swarm);
            if (at != swarms_.end() && (!keeps_local_ || relays.empty()))
                at->second.handle.replace_trackers(to_trackers(relays));
        });
    }
    void announce_again(SwarmNumber swarm) override {
        post([=, this] {
            auto at = swarms_.find(swarm);
            if (at == swarms_.end()) return;
            at->second.handle.force_reannounce();
            at->second.handle.force_lsd_announce();
            if (has_dht_) at->second.handle.force_dht_announce();
        });
    }
    void add_address(SwarmNumber swarm, const PeerAddress& address) override {
        post([=, this] {
            auto at = swarms_.find(swarm);
            auto endpoint = to_endpoint(address);
            if (at != swarms_.end() && endpoint && may_dial(swarm, address))
                at->second.handle.connect_peer(*endpoint);
        });
    }
    void send(LinkNumber link, std::vector<Bytes> frames) override {
        auto shared = std::make_shared<std::vector<Bytes>>(std::move(frames));
        post([=, this] { send_on_link(*links_, link, *shared); });
    }
    void close_link(LinkNumber link, LinkEnd end) override {
        post([=, this] { lockstep::close_link(*links_, link, end); });
    }
    void seed_pack(const PackSeed& seed, const SessionKey& key) override {
        post([=, this] { seed_pack_now(seed, key); });
    }
    void fetch_pack(const PackInfo& pack, const std::filesystem::path& directory,
                    const PeerAddress& holder, const SessionKey& key) override {
        post([=, this] { fetch_pack_now(pack, directory, holder, key); });
    }
    void drop_pack(const PackId& pack) override {
        post([=, this] { drop_now(pack, true); });
    }
    void drop_fetch(const PackId& pack) override {
        post([=, this] { drop_now(pack, false); });
    }

  private:
    template <typename F>
    void post(F task) {
        boost::asio::post(context_, std::move(task));
    }
    void stop();

    static std::vector<lt::announce_entry> to_trackers(const std::vector<std::string>& relays) {
        std::vector<lt::announce_entry> out;
        for (const std::string& relay : relays) out.emplace_back(relay);
        return out;
    }

    void set_limits_now(const TorrentLimits& limits);
    void keep_local_now(bool keeps_local);
    // Else others hear that it is to be dialled.
    bool may_dial(SwarmNumber swarm, const PeerAddress& address);
    void open_swarm_now(SwarmNumber swarm, const SwarmSeed& seed,
                        const std::vector<std::string>& relays,
                        const std::vector<PeerAddress>& addresses);
    void close_swarm_now(SwarmNumber swarm);
    void seed_pack_now(const PackSeed& seed, const SessionKey& key);
    void fetch_pack_now(const PackInfo& pack, const std::filesystem::path& directory,
                        const PeerAddress& holder, const SessionKey& key);
    // The record of a torrent that has just been added; nullptr when libtorrent refused it.
    std::shared_ptr<PackRecord> add_pack_torrent(const PackInfo& pack, bool is_seed,
                                                 const SessionKey& key, ByteView layers,
                                                 lt::add_torrent_params params);
    void drop_now(const PackId& pack, bool seeds_too);
    void remove_idle_seeds();
    void arm_timer();

    void take_alerts();
    void on_alert(lt::alert& alert);
    void on_checked(const lt::torrent_handle& handle);
    void on_finished(const lt::torrent_handle& handle);
    void on_broken(const lt::torrent_handle& handle, const std::string& why);
    void on_relay(const lt::torrent_handle& handle, const char* url, bool ok,
                  const std::string& message);
    std::shared_ptr<PackRecord> record_of(const lt::torrent_handle& handle);

    TorrentEvents& events_;
    boost::asio::io_context context_{1};
    std::shared_ptr<LinkTable> links_;
    boost::asio::steady_timer timer_;
    std::unique_ptr<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>>
        guard_;
    std::unique_ptr<lt::session> session_;
    std::thread thread_;
    std::uint16_t port_ = 0;
    TorrentSessionOptions options_;
    bool has_dht_ = false;
    bool keeps_local_ = false;  // on ls-net
    bool stopping_ = false;     // on ls-net
    std::atomic<bool> alerts_posted_{false};
    std::optional<std::promise<std::uint16_t>> listening_;  // until the first answer; on ls-net
    std::size_t listen_failures_ = 0, listen_count_ = 0;
    std::map<SwarmNumber, SwarmRecord> swarms_;
    std::map<lt::torrent_handle, SwarmNumber> swarm_of_;
    std::map<PackId, std::shared_ptr<PackRecord>> packs_;
    std::map<lt::torrent_handle, PackId> pack_of_;
};

Status LibtorrentSession::listen(const TorrentSessionOptions& options) {
    if (options.listen_addresses.empty())
        return Error{ErrorKind::Invalid, "no address to listen on"};
    std::uint16_t port = options.listen_port != 0 ? options.listen_port : find_free_port();
    listen_count_ = options.listen_addresses.size();
    has_dht_ = options.dht;
    options_ = options;
    keeps_local_ = options.keeps_local;
    listening_.emplace();
    auto answer = listening_->get_future();
    try {
        lt::session_params params(
            session_settings(options, listen_interfaces(options.listen_addresses, port)),
            std::vector<std::shared_ptr<lt::plugin>>{});
        params.disk_io_constructor = [](lt::io_context& context, const lt::settings_interface&,
                                        lt::counters&) { return make_pack_disk(context); };
        session_ =
            std::make_unique<lt::session>(std::move(params), context_, lt::session_flags_t{});
    } catch (const std::exception& error) {
        return Error{ErrorKind::Io, error.what()};
    }
    session_->set_ip_filter(reach_filter(options.keeps_local));
    session_->set_alert_notify([this] {
        if (!alerts_posted_.exchange(true)) post([this] { take_alerts(); });
    });
    guard_ =
        std::make_unique<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>>(
            context_.get_executor());
    thread_ = std::thread([this] {
        name_thread("ls-net");
        context_.run();
    });
    post([this] { arm_timer(); });
    if (answer.wait_for(std::chrono::seconds(10)) == std::future_status::ready)
        port_ = answer.get();
    if (port_ == 0) return Error{ErrorKind::Io, "cannot listen on any address"};
    return {};
}

void LibtorrentSession::stop() {
    if (session_ == nullptr) return;
    if (thread_.joinable()) {
        std::promise<void> quiet;
        post([&] {
            stopping_ = true;
            timer_.cancel();
            session_->set_alert_notify({});
            quiet.set_value();
        });
        quiet.get_future().wait();
    }
    // In this order, or it crashes: the proxy outlives the thread, the context outlives the proxy.
    lt::session_proxy proxy = session_->abort();
    session_.reset();
    guard_.reset();
    if (thread_.joinable()) thread_.join();
}

void LibtorrentSession::arm_timer() {
    timer_.expires_after(std::chrono::seconds(5));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error || stopping_) return;
        remove_idle_seeds();
        arm_timer();
    });
}

// Peers on local networks are in a class without limits, unless limits count there. Loopback is not
// local here: it is where tunnels begin.
lt::ip_filter peer_classes(bool counts_in_lan) {
    const auto bit = [](lt::peer_class_t one) { return 1U << static_cast<std::uint32_t>(one); };
    const std::uint32_t all = bit(lt::session_handle::global_peer_class_id);
    const std::uint32_t local = bit(lt::session_handle::local_peer_class_id);
    lt::ip_filter filter;
    const auto add = [&](const char* first, const char* last, std::uint32_t classes) {
        filter.add_rule(lt::make_address(first), lt::make_address(last), classes);
    };
    add("0.0.0.0", "255.255.255.255", all);
    add("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", all);
    if (counts_in_lan) return filter;
    for (const auto& [first, last] : kLocalNetworks) add(first, last, local);
    return filter;
}

void LibtorrentSession::keep_local_now(bool keeps_local) {
    if (stopping_ || std::exchange(keeps_local_, keeps_local) == keeps_local) return;
    if (keeps_local)
        for (auto& [number, swarm] : swarms_) swarm.handle.replace_trackers({});
    lt::settings_pack settings;
    set_reach(settings, options_, keeps_local);
    session_->apply_settings(std::move(settings));
    session_->set_ip_filter(reach_filter(keeps_local));
}

bool LibtorrentSession::may_dial(SwarmNumber swarm, const PeerAddress& address) {
    if (!keeps_local_ || is_local_address(address.host)) return true;
    events_.peer_elsewhere(swarm, address);
    return false;
}

void LibtorrentSession::set_limits_now(const TorrentLimits& limits) {
    if (stopping_) return;
    const auto clamped = [](std::uint64_t rate) {
        return static_cast<int>(std::min<std::uint64_t>(rate, INT_MAX));
    };
    lt::settings_pack settings;
    settings.set_int(lt::settings_pack::upload_rate_limit, clamped(limits.up));
    settings.set_int(lt::settings_pack::download_rate_limit, clamped(limits.down));
    const bool is_limited = limits.up != 0 || limits.down != 0;
    settings.set_int(lt::settings_pack::tick_interval, is_limited ? kLimitingTickMs : kCalmTickMs);
    session_->apply_settings(std::move(settings));
    session_->set_peer_class_filter(peer_classes(limits.counts_in_lan));
}

void LibtorrentSession::open_swarm_now(SwarmNumber swarm, const SwarmSeed& seed,
                                       const std::vector<std::string>& relays,
                                       const std::vector<PeerAddress>& addresses) {
    if (stopping_ || swarms_.count(swarm) != 0) return;
    lt::add_torrent_params params;
    params.ti = synthetic_torrent(seed);
    params.save_path = "/nonexistent";  // nothing is ever read or written
    // The filter counts for incoming connections only when it does for every torrent.
    params.flags = lt::torrent_flags::paused | lt::torrent_flags::disable_pex |
                   lt::torrent_flags::apply_ip_filter;
    if (!has_dht_) params.flags |= lt::torrent_flags::disable_dht;
    if (!keeps_local_) params.trackers = relays;
    for (const PeerAddress& address : addresses)
        if (auto endpoint = to_endpoint(address); endpoint && may_dial(swarm, address))
            params.peers.push_back(*endpoint);
    params.extensions.emplace_back(
        [links = links_, swarm](const lt::torrent_handle&, lt::client_data_t) {
            return make_swarm_plugin(links, swarm);
        });
    lt::error_code error;
    lt::torrent_handle handle = session_->add_torrent(std::move(params), error);
    if (error) {
        log_warning("sync", "cannot open a swarm: {}", error.message());
        return;
    }
    swarms_[swarm] = {swarm, handle};
    swarm_of_[handle] = swarm;
}

void LibtorrentSession::close_swarm_now(SwarmNumber swarm) {
    auto at = swarms_.find(swarm);
    if (at == swarms_.end()) return;
    swarm_of_.erase(at->second.handle);
    if (!stopping_) session_->remove_torrent(at->second.handle);
    swarms_.erase(at);
}

std::shared_ptr<PackRecord> LibtorrentSession::add_pack_torrent(const PackInfo& pack, bool is_seed,
                                                                const SessionKey& key,
                                                                ByteView layers,
                                                                lt::add_torrent_params params) {
    auto record = std::make_shared<PackRecord>(events_);
    record->pack = pack;
    record->torrent = pack_info_hash(pack);
    record->is_seed = is_seed;
    record->keys.push_back(key);
    Bytes torrent = pack_torrent_file(pack, layers);
    lt::error_code error;
    params.ti = std::make_shared<lt::torrent_info>(
        lt::span<char const>(as_text(torrent).data(), static_cast<std::ptrdiff_t>(torrent.size())),
        error, lt::from_span);
    if (!error) {
        params.flags = lt::torrent_flags::paused | lt::torrent_flags::disable_dht |
                       lt::torrent_flags::disable_lsd | lt::torrent_flags::disable_pex |
                       lt::torrent_flags::apply_ip_filter;
        if (is_seed) params.flags |= lt::torrent_flags::seed_mode;
        params.extensions.emplace_back([record](const lt::torrent_handle&, lt::client_data_t) {
            return make_pack_plugin(record);
        });
        record->handle = session_->add_torrent(std::move(params), error);
    }
    if (error) {
        log_warning("sync", "cannot add the torrent of pack {}: {}", pack.id.to_hex(),
                    error.message());
        return nullptr;
    }
    packs_[pack.id] = record;
    pack_of_[record->handle] = pack.id;
    return record;
}

void LibtorrentSession::seed_pack_now(const PackSeed& seed, const SessionKey& key) {
    if (stopping_) return;
    auto at = packs_.find(seed.pack.id);
    if (at != packs_.end() && at->second->is_seed) {
        auto& record = *at->second;
        record.last_used = std::chrono::steady_clock::now();
        bool known = false;
        for (const SessionKey& other : record.keys)
            known = known || equal_constant_time(other.view(), key.view());
        if (!known) {
            if (record.keys.size() == kPackTokenKeysMax) record.keys.erase(record.keys.begin());
            record.keys.push_back(key);
        }
        events_.pack_seeding(seed.pack.id, true);
        return;
    }
    drop_now(seed.pack.id, false);
    if (packs_.size() >= kSeededTorrentsMax) return events_.pack_seeding(seed.pack.id, false);
    lt::add_torrent_params params;
    params.save_path = seed.file.parent_path().string();
    params.renamed_files[lt::file_index_t{0}] = seed.file.filename().string();
    if (add_pack_torrent(seed.pack, true, key, seed.piece_layers, std::move(params)) == nullptr)
        events_.pack_seeding(seed.pack.id, false);
}

void LibtorrentSession::fetch_pack_now(const PackInfo& pack, const std::filesystem::path& directory,
                                       const PeerAddress& holder, const SessionKey& key) {
    if (stopping_) return;
    auto endpoint = to_endpoint(holder);
    if (keeps_local_ && !is_local_address(holder.host)) endpoint.reset();
    drop_now(pack.id, true);
    // What an earlier try left would have to be checked first, and libtorrent checks nothing while
    // paused.
    std::error_code ignored;
    std::filesystem::remove(directory / pack.id.to_hex(), ignored);
    lt::add_torrent_params params;
    params.save_path = directory.string();
    if (endpoint) params.peers.push_back(*endpoint);
    if (!endpoint || add_pack_torrent(pack, false, key, {}, std::move(params)) == nullptr)
        events_.pack_failed(pack.id, "no torrent");
}

void LibtorrentSession::drop_now(const PackId& pack, bool seeds_too) {
    auto at = packs_.find(pack);
    if (at == packs_.end() || (at->second->is_seed && !seeds_too)) return;
    auto record = at->second;
    record->is_over = true;
    pack_of_.erase(record->handle);
    packs_.erase(at);
    if (!stopping_) session_->remove_torrent(record->handle);
}

void LibtorrentSession::remove_idle_seeds() {
    std::vector<PackId> idle;
    auto now = std::chrono::steady_clock::now();
    for (const auto& [id, record] : packs_)
        if (record->is_seed && record->connections == 0 && now - record->last_used > kTorrentIdle)
            idle.push_back(id);
    for (const PackId& id : idle) drop_now(id, true);
}

void LibtorrentSession::take_alerts() {
    alerts_posted_ = false;
    if (stopping_) return;
    std::vector<lt::alert*> alerts;
    session_->pop_alerts(&alerts);
    for (lt::alert* alert : alerts) on_alert(*alert);
}

void LibtorrentSession::on_alert(lt::alert& alert) {
    if (auto* a = lt::alert_cast<lt::torrent_checked_alert>(&alert)) {
        on_checked(a->handle);
    } else if (auto* finished = lt::alert_cast<lt::torrent_finished_alert>(&alert)) {
        on_finished(finished->handle);
    } else if (auto* wrong = lt::alert_cast<lt::hash_failed_alert>(&alert)) {
        on_broken(wrong->handle, "a piece has the wrong hash");
    } else if (auto* broken = lt::alert_cast<lt::torrent_error_alert>(&alert)) {
        on_broken(broken->handle, broken->error.message());
    } else if (auto* file = lt::alert_cast<lt::file_error_alert>(&alert)) {
        on_broken(file->handle, file->error.message());
    } else if (auto* reply = lt::alert_cast<lt::tracker_reply_alert>(&alert)) {
        on_relay(reply->handle, reply->tracker_url(), true, "");
    } else if (auto* failed = lt::alert_cast<lt::tracker_error_alert>(&alert)) {
        std::string why = failed->failure_reason();
        on_relay(failed->handle, failed->tracker_url(), false,
                 why.empty() ? failed->error.message() : why);
    } else if (lt::alert_cast<lt::dht_bootstrap_alert>(&alert) != nullptr) {
        // What was announced before reached nobody.
        for (auto& [number, swarm] : swarms_) swarm.handle.force_dht_announce();
    } else if (auto* listening = lt::alert_cast<lt::listen_succeeded_alert>(&alert)) {
        if (listening_ && listening->socket_type == lt::socket_type_t::tcp) {
            listening_->set_value(static_cast<std::uint16_t>(listening->port));
            listening_.reset();
        }
    } else if (auto* deaf = lt::alert_cast<lt::listen_failed_alert>(&alert)) {
        log_info("sync", "cannot listen on {}: {}", deaf->listen_interface(),
                 deaf->error.message());
        if (listening_ && deaf->socket_type == lt::socket_type_t::tcp &&
            ++listen_failures_ >= listen_count_) {
            listening_->set_value(0);
            listening_.reset();
        }
    }
}

void LibtorrentSession::on_checked(const lt::torrent_handle& handle) {
    handle.resume();
    if (has_dht_ && swarm_of_.count(handle) != 0) handle.force_dht_announce();
    auto record = record_of(handle);
    if (record != nullptr && record->is_seed) events_.pack_seeding(record->pack.id, true);
}

void LibtorrentSession::on_finished(const lt::torrent_handle& handle) {
    auto record = record_of(handle);
    if (record == nullptr || record->is_seed || record->is_over) return;
    record->is_over = true;
    // Our disk writes before it reports, so the file is whole now.
    auto name = record->pack.id.to_hex();
    std::filesystem::path file =
        std::filesystem::path(handle.status(lt::torrent_handle::query_save_path).save_path) / name;
    events_.pack_fetched(record->pack.id, file);
}

void LibtorrentSession::on_broken(const lt::torrent_handle& handle, const std::string& why) {
    auto record = record_of(handle);
    if (record == nullptr || record->is_over) return;
    if (record->is_seed) {
        log_info("sync", "pack {} cannot be seeded: {}", record->pack.id.to_hex(), why);
        drop_now(record->pack.id, true);
        return events_.pack_seeding(record->pack.id, false);
    }
    record->is_over = true;
    events_.pack_failed(record->pack.id, why);
}

void LibtorrentSession::on_relay(const lt::torrent_handle& handle, const char* url, bool ok,
                                 const std::string& message) {
    auto at = swarm_of_.find(handle);
    if (at != swarm_of_.end()) events_.relay_answered(at->second, url, ok, message);
}

std::shared_ptr<PackRecord> LibtorrentSession::record_of(const lt::torrent_handle& handle) {
    auto at = pack_of_.find(handle);
    return at == pack_of_.end() ? nullptr : packs_.at(at->second);
}

}  // namespace

std::array<std::byte, 20> swarm_tracker_hash(const SwarmSeed& seed) {
    lt::sha1_hash hash = synthetic_torrent(seed)->info_hashes().get_best();
    std::array<std::byte, 20> out{};
    std::memcpy(out.data(), hash.data(), out.size());
    return out;
}

Result<std::unique_ptr<TorrentSession>> TorrentSession::start(const TorrentSessionOptions& options,
                                                              TorrentEvents& events) {
    auto session = std::make_unique<LibtorrentSession>(events);
    TRY_OK(session->listen(options));
    return std::unique_ptr<TorrentSession>(std::move(session));
}

}  // namespace lockstep
