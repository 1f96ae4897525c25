// The paths under /api/, for whom plain coordinators have accustomed to them: peers register, say
// how they are and what they have, and ask who has what. The registry is the tracker's own.
//
// A peer speaks for the address its connection comes from and for nobody else; whoever is spoken
// of has a pseudonym. Paths, bodies and answers: relay/PROTOCOL.md, "Coordinator".
#pragma once

#include "base/http/message.h"
#include "relay/registry_view.h"
#include "relay/tracker.h"

namespace lockstep {

// THREADS: one.
class CoordinatorApi {
  public:
    CoordinatorApi(Tracker& tracker, const RegistryView& view) : tracker_(tracker), view_(view) {}

    enum class Need {
        Nothing,   // the caller answers /api/health and /api/stats
        Peer,      // somebody who may announce in the swarm
        Operator,  // or somebody who may see all
        Unknown,   // no such path
        Method,    // not in this way
    };
    // What a request needs of who sends it.
    static Need need_of(const HttpRequest& request);

    // REQUIRES: need_of() is Peer, or Operator of somebody with a swarm; he may announce in
    // `swarm`.
    HttpResponse handle_peer(const HttpRequest& request, const TrackerHash& swarm);
    // REQUIRES: need_of() is Operator, and he is one.
    HttpResponse handle_operator(const HttpRequest& request);

    static HttpResponse failure(int status, const std::string& why);

  private:
    HttpResponse announce(const HttpRequest& request, const TrackerHash& swarm);
    HttpResponse location_of(const TrackerHash& swarm);

    Tracker& tracker_;
    const RegistryView& view_;
};

}  // namespace lockstep
