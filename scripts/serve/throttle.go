package main

import (
	"context"
	"net"

	"golang.org/x/time/rate"
)

// slice is the number of bytes written at a time when there is a limit: small enough
// that connections get equal shares.
const slice = 16 << 10

// throttle returns l with all its connections together limited to so many
// bytes a second. No limit is l itself, whose connections can use sendfile.
func throttle(l net.Listener, bytes int) net.Listener {
	if bytes <= 0 {
		return l
	}
	return slowListener{l, rate.NewLimiter(rate.Limit(bytes), slice)}
}

type slowListener struct {
	net.Listener
	limit *rate.Limiter
}

func (l slowListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return slowConn{conn, l.limit}, nil
}

type slowConn struct {
	net.Conn
	limit *rate.Limiter
}

func (c slowConn) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		part := p[written:min(len(p), written+slice)]
		if err := c.limit.WaitN(context.Background(), len(part)); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(part)
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}
