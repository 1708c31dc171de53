package engine

import (
	"encoding/json"

	"bkt/internal/engine/contract"

	control "github.com/moby/buildkit/api/services/control"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// register adds the method [contract.NetworkMethod] to a server.
func (n *stepNetworks) register(g *grpc.Server) {
	g.RegisterService(&grpc.ServiceDesc{
		ServiceName: contract.NetworkService,
		HandlerType: (*any)(nil),
		Streams:     []grpc.StreamDesc{{StreamName: contract.NetworkCall, Handler: n.serve, ServerStreams: true, ClientStreams: true}},
	}, n)
}

// serve answers a request until its client ends.
func (n *stepNetworks) serve(_ any, stream grpc.ServerStream) error {
	r, err := receiveRequest(stream)
	if err != nil {
		return err
	}
	withdraw, err := n.open(&r)
	if err != nil {
		return status.Error(codes.FailedPrecondition, err.Error())
	}
	defer withdraw()
	closed := make(chan struct{})
	go func() { defer close(closed); _ = stream.RecvMsg(new(control.BytesMessage)) }()
	for open := true; ; {
		s, changed := n.current()
		if r.Network == contract.ClosedNetwork {
			s, changed = contract.NewNetworkStatus(contract.ClosedNetwork, nil), nil
		}
		if err := sendStatus(stream, s); err != nil || !open {
			return err
		}
		select {
		case <-changed:
		case <-closed: // or the client has ended
			open = false
		}
	}
}

func receiveRequest(stream grpc.ServerStream) (r contract.NetworkRequest, err error) {
	var m control.BytesMessage
	if err := stream.RecvMsg(&m); err != nil {
		return r, err
	}
	if err = json.Unmarshal(m.Data, &r); err == nil {
		err = r.Check()
	}
	if err != nil {
		err = status.Error(codes.InvalidArgument, err.Error())
	}
	return r, err
}

func sendStatus(stream grpc.ServerStream, s contract.NetworkStatus) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return stream.SendMsg(&control.BytesMessage{Data: data})
}
