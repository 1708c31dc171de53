package contract

import (
	"errors"
	"reflect"
)

// The networks of build steps.
const (
	// OwnNetwork is a network namespace of the engine with a way to other
	// machines, but not to the loopback interface of this one, or to its abstract
	// unix sockets.
	OwnNetwork = "own"
	// ClosedNetwork is a network namespace without a way out except for the ports
	// that a client has asked for.
	ClosedNetwork = "closed"
	// HostNetwork is the network namespace of this machine.
	HostNetwork = "host"
)

// NetworkMethod is the full name of the engine's gRPC method that takes a
// [NetworkRequest] and returns a stream of [NetworkStatus], both as JSON in a
// BytesMessage of BuildKit's control API. The request is valid until the client closes
// its side of the stream or ends; the engine then sends its last status.
const NetworkMethod = "/" + NetworkService + "/" + NetworkCall

// The parts of [NetworkMethod].
const (
	NetworkService = "bkt.engine.v1.Network"
	NetworkCall    = "Open"
)

// A NetworkRequest says what the steps of a client's builds reach.
type NetworkRequest struct {
	// Network is [OwnNetwork], for steps with BuildKit's default network, or
	// [ClosedNetwork], for those with BuildKit's network "none".
	Network string `json:"network"`
	// Ports are TCP ports of this machine's loopback interface that the steps
	// reach under the same number, from 1 to 65535.
	Ports []int `json:"ports,omitempty"`
}

// Check returns an error for a request that no engine can fulfil.
func (r NetworkRequest) Check() error {
	if r.Network != OwnNetwork && r.Network != ClosedNetwork {
		return errors.New("the network must be \"" + OwnNetwork + "\" or \"" + ClosedNetwork + "\"")
	}
	for _, p := range r.Ports {
		if p < 1 || p > 65535 {
			return errors.New("a port must be a number from 1 to 65535")
		}
	}
	return nil
}

// A NetworkStatus is the network that steps get. A later one on the same stream
// replaces it: some programs fail only when they start, with the first step.
type NetworkStatus struct {
	// Network is [OwnNetwork], [ClosedNetwork] or [HostNetwork].
	Network string `json:"network"`
	// Reasons say why it is not the network that the client asked for.
	Reasons []reason `json:"reasons,omitempty"`
}

// NewNetworkStatus returns a status with the reason why, or with nil.
func NewNetworkStatus(network string, why error) NetworkStatus {
	return NetworkStatus{network, reasons(why)}
}

// Why returns why steps do not get the network that the client asked for, with hints;
// nil if they do.
func (s NetworkStatus) Why() error {
	var errs []error
	for _, r := range s.Reasons {
		errs = append(errs, r.hinted(errors.New(r.Message)))
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// Equal reports whether s and t say the same.
func (s NetworkStatus) Equal(t NetworkStatus) bool { return reflect.DeepEqual(s, t) }
