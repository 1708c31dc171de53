package engineclient

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"

	"github.com/google/go-cmp/cmp"
	control "github.com/moby/buildkit/api/services/control"
	"google.golang.org/grpc"
)

// ownAt returns a connection to an own engine that this test is: a server with
// services.
func ownAt(t *testing.T, register func(*grpc.Server)) *Connection {
	t.Helper()
	dir, err := os.MkdirTemp("", "bkt") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "engine.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	register(server)
	go server.Serve(l)
	t.Cleanup(server.Stop)
	return &Connection{Address: Own, state: contract.State{PID: os.Getpid(), Socket: socket}}
}

func TestEngineWithoutNetworks(t *testing.T) {
	c := ownAt(t, func(*grpc.Server) {})
	_, err := c.OpenNetwork(t.Context(), contract.NetworkRequest{Network: contract.OwnNetwork}, func(contract.NetworkStatus) {})
	want := "the engine (pid " + strconv.Itoa(os.Getpid()) + ") has an earlier version of bkt, in which build steps have the network of this machine"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	if diff := cmp.Diff([]string{`run "bkt engine stop", and build again`}, hint.Of(err)); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
}

func TestForeignEngineHasItsOwnNetworks(t *testing.T) {
	c := &Connection{Address: "unix:///run/buildkit/buildkitd.sock"}
	if _, err := c.OpenNetwork(t.Context(), contract.NetworkRequest{Network: contract.OwnNetwork}, nil); !errors.Is(err, ErrForeignNetwork) {
		t.Errorf("error is %v", err)
	}
}

// TestNetworkStatuses checks that a client learns each status, even one that the engine
// sends only when the client closes the network.
func TestNetworkStatuses(t *testing.T) {
	sent := []contract.NetworkStatus{
		contract.NewNetworkStatus(contract.OwnNetwork, nil),
		contract.NewNetworkStatus(contract.HostNetwork, hint.Add(errors.New("pasta has failed"), "repair it")),
	}
	c := ownAt(t, func(server *grpc.Server) {
		server.RegisterService(&grpc.ServiceDesc{
			ServiceName: contract.NetworkService,
			HandlerType: (*any)(nil),
			Streams: []grpc.StreamDesc{{StreamName: contract.NetworkCall, ServerStreams: true, ClientStreams: true, Handler: func(_ any, stream grpc.ServerStream) error {
				var request control.BytesMessage
				if err := stream.RecvMsg(&request); err != nil {
					return err
				}
				if err := send(stream, sent[0]); err != nil {
					return err
				}
				_ = stream.RecvMsg(&request) // until the client closes the network
				return send(stream, sent[1])
			}}},
		}, nil)
	})
	var got []contract.NetworkStatus
	n, err := c.OpenNetwork(context.Background(), contract.NetworkRequest{Network: contract.OwnNetwork, Ports: []int{80}}, func(s contract.NetworkStatus) { got = append(got, s) })
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(got, sent, contract.NetworkStatus.Equal) {
		t.Errorf("statuses are %+v, want %+v", got, sent)
	}
	why := got[len(got)-1].Why()
	if diff := cmp.Diff([]string{"repair it"}, hint.Of(why)); why.Error() != "pasta has failed" || diff != "" {
		t.Errorf("the reason is %v, its hints (-want +got):\n%s", why, diff)
	}
}

func send(stream grpc.ServerStream, s contract.NetworkStatus) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return stream.SendMsg(&control.BytesMessage{Data: data})
}

func TestImpossibleNetworks(t *testing.T) {
	for _, r := range []contract.NetworkRequest{
		{},
		{Network: contract.HostNetwork},
		{Network: contract.OwnNetwork, Ports: []int{0}},
		{Network: contract.OwnNetwork, Ports: []int{80, 65536}},
	} {
		if r.Check() == nil {
			t.Errorf("no error for %+v", r)
		}
	}
}
