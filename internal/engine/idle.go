package engine

import (
	"net"
	"os"
	"sync"
	"time"
)

// idleListener is a listener that gives up when it has had no connection for
// some time.
type idleListener struct {
	net.Listener
	path  string
	after time.Duration
	done  chan struct{} // closed when it has given up

	mu    sync.Mutex
	conns int
	left  bool
	timer *time.Timer
}

// firstWait is how long an engine waits for its first client at least: whoever
// has started it is about to connect.
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

// expire gives up, unless a connection came while the timer was going off.
func (l *idleListener) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns > 0 || l.left {
		return
	}
	l.close()
	close(l.done)
}

// leave makes the engine impossible to reach, before it begins to stop: a
// client that comes later finds no socket and starts an engine of its own, and
// one that has just come sees its connection closed, and does the same.
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

// countedConn is a connection that tells its listener when it is closed.
type countedConn struct {
	net.Conn
	closed func()
}

func (c *countedConn) Close() error {
	c.closed()
	return c.Conn.Close()
}
