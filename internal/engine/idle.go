package engine

import (
	"net"
	"os"
	"sync"
	"time"
)

// An idleListener is a listener that stops when it has had no connection for
// some time.
type idleListener struct {
	net.Listener
	path  string
	after time.Duration
	done  chan struct{} // closed when it has stopped by itself

	mu    sync.Mutex
	conns int
	left  bool
	timer *time.Timer
}

// firstWait is the shortest time that an engine waits for its first client,
// which is about to connect.
const firstWait = 2 * time.Second

func newIdleListener(l net.Listener, path string, after time.Duration) *idleListener {
	idle := &idleListener{Listener: l, path: path, after: after, done: make(chan struct{})}
	idle.mu.Lock()
	defer idle.mu.Unlock()
	idle.timer = time.AfterFunc(max(after, firstWait), idle.expire)
	return idle
}

// Accept waits for a connection and counts it until it is closed.
func (l *idleListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left {
		c.Close()
		return nil, net.ErrClosed
	}
	l.conns++
	l.timer.Stop()
	return &countedConn{Conn: c, closed: sync.OnceFunc(l.release)}, nil
}

func (l *idleListener) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns--
	if l.conns == 0 && !l.left {
		l.timer.Reset(l.after)
	}
}

// expire stops the listener, unless a connection has come meanwhile.
func (l *idleListener) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns > 0 || l.left {
		return
	}
	l.close()
	close(l.done)
}

// leave makes the engine unreachable before it stops: a later client finds no
// socket, and starts another engine; a client that has just connected finds its
// connection closed, and does the same.
func (l *idleListener) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.close()
}

func (l *idleListener) close() {
	l.left = true
	l.timer.Stop()
	_ = os.Remove(l.path)
	_ = l.Listener.Close()
}

// A countedConn is a connection that notifies its listener when it is closed.
type countedConn struct {
	net.Conn
	closed func()
}

func (c *countedConn) Close() error {
	c.closed()
	return c.Conn.Close()
}
