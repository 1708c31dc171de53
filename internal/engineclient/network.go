package engineclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"

	control "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
)

// ErrForeignNetwork says that the network of an engine's steps is not bkt's to choose.
var ErrForeignNetwork = errors.New("only bkt's own engine can open ports of this machine to build steps")

// OpenNetwork asks bkt's own engine to give the steps of later builds the network of r,
// until the result is closed or ctx ends. Other clients may ask for the same ports.
//
// It calls notify with the network that the steps get, before it returns and whenever
// that changes: it may be another than r asks for, with the reason. The calls are not
// concurrent. The last one has happened when Close returns, and is about the last step.
//
// The error is [ErrForeignNetwork] for another engine.
func (c *Connection) OpenNetwork(ctx context.Context, r contract.NetworkRequest, notify func(contract.NetworkStatus)) (io.Closer, error) {
	if c.Address != Own {
		return nil, ErrForeignNetwork
	}
	if err := r.Check(); err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient("passthrough:///engine", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return dialer(c.state)(ctx, "") }))
	if err != nil {
		return nil, err
	}
	n := &openNetwork{conn: conn, ended: make(chan struct{})}
	if err := n.open(ctx, r, notify); err != nil {
		conn.Close()
		return nil, c.explainNetwork(err)
	}
	return n, nil
}

// explainNetwork returns why the engine did not open a network.
func (c *Connection) explainNetwork(err error) error {
	if grpcerrors.Code(err) == codes.Unimplemented {
		err = fmt.Errorf("the engine (pid %d) has an earlier version of bkt, in which build steps have the network of this machine", c.state.PID)
		return hint.Add(err, "run \"bkt engine stop\", and build again")
	}
	return fmt.Errorf("the network of build steps: %s", Message(err))
}

// closeTimeout is the time for an engine to send its last status.
const closeTimeout = 10 * time.Second

// An openNetwork is a request that is valid until it is closed.
type openNetwork struct {
	conn   *grpc.ClientConn
	stream grpc.ClientStream
	ended  chan struct{} // closed after the last status
}

// Close withdraws the request. It waits for the last status of the engine.
func (n *openNetwork) Close() error {
	_ = n.stream.CloseSend() // it fails if the engine has ended
	select {
	case <-n.ended:
	case <-time.After(closeTimeout):
	}
	err := n.conn.Close()
	<-n.ended
	return err
}

// open sends r and reads the answers, the first of them before it returns.
func (n *openNetwork) open(ctx context.Context, r contract.NetworkRequest, notify func(contract.NetworkStatus)) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	n.stream, err = n.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, contract.NetworkMethod)
	if err != nil {
		return err
	}
	// With io.EOF, the reason is the error of RecvMsg.
	if err := n.stream.SendMsg(&control.BytesMessage{Data: data}); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	s, err := receiveStatus(n.stream)
	if err != nil {
		return err
	}
	notify(s)
	go func() {
		defer close(n.ended)
		for {
			s, err := receiveStatus(n.stream)
			if err != nil {
				return // it is closed, or the engine has ended, and its builds with it
			}
			notify(s)
		}
	}()
	return nil
}

func receiveStatus(stream grpc.ClientStream) (contract.NetworkStatus, error) {
	var m control.BytesMessage
	var s contract.NetworkStatus
	if err := stream.RecvMsg(&m); err != nil {
		return s, err
	}
	return s, json.Unmarshal(m.Data, &s)
}
