// Tells what came from a peer apart from what this device has made.
#pragma once

#include "vault/brought_by.h"

namespace lockstep {

// True on a worker while it adds a segment, key object or pack that came from a peer: what the
// replica's listener hears then is no news of this device.
bool is_adding_from_peer();

class AddingFromPeer {
  public:
    // `device`: the peer; nullopt: it is gone.
    explicit AddingFromPeer(const std::optional<DeviceId>& device);
    ~AddingFromPeer();
    AddingFromPeer(const AddingFromPeer&) = delete;
    AddingFromPeer& operator=(const AddingFromPeer&) = delete;

  private:
    BroughtBy brought_by_;
};

}  // namespace lockstep
