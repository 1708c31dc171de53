package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"bkt/internal/plainfile"
)

// Timeouts say how slow a server may be. There is a limit for the beginning of an answer,
// with all of its header, and then one for each KiB. So a large file may take any time, and
// a server that sends a byte a second is an error.
type timeouts struct{ answer, piece time.Duration }

// usual are the timeouts for servers. A test has shorter ones, in its context.
var usual = timeouts{answer: 10 * time.Second, piece: 10 * time.Second}

// piece is the number of bytes that a server has to send in time.
const piece = 1 << 10

type timeoutsKey struct{}

const (
	maxRedirects = 5
	maxHeader    = 1 << 20 // bytes of the header of an answer
)

// client returns a client for the requests of ctx. It also reads local files, but servers
// cannot redirect to them if check is [checkRedirect] or calls it.
func client(ctx context.Context, check func(*http.Request, []*http.Request) error) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	transport.MaxResponseHeaderBytes = maxHeader
	transport.RegisterProtocol("file", localFiles{http.NewFileTransport(plainFiles{})})
	p, ok := ctx.Value(timeoutsKey{}).(timeouts)
	if !ok {
		p = usual
	}
	return &http.Client{Transport: timed{transport, p}, CheckRedirect: check}
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	switch first, scheme := via[0].URL.Scheme, req.URL.Scheme; {
	case len(via) > maxRedirects:
		return fmt.Errorf("redirects more than %d times", maxRedirects)
	case scheme != "https" && (scheme != "http" || first != "http"):
		return fmt.Errorf("redirects to %s, which is less safe", req.URL.Redacted())
	}
	return nil
}

// localFiles answers requests for files, without waiting for a pipe or a device.
type localFiles struct{ http.RoundTripper }

// RoundTrip returns the error of what is no plain file: a status of HTTP would not say it.
func (l localFiles) RoundTrip(req *http.Request) (*http.Response, error) {
	if f, err := plainfile.Open(req.URL.Path); errors.Is(err, plainfile.ErrNotPlain) {
		return nil, plainfile.ErrNotPlain
	} else if err == nil {
		f.Close()
	}
	return l.RoundTripper.RoundTrip(req)
}

// plainFiles are the files of this computer.
type plainFiles struct{}

// Open implements [http.FileSystem].
func (plainFiles) Open(name string) (http.File, error) {
	f, err := plainfile.Open(name)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// timed is a transport that gives up on servers that are too slow.
type timed struct {
	http.RoundTripper
	timeouts
}

// RoundTrip implements [http.RoundTripper].
func (p timed) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(p.answer, func() { cancel(fmt.Errorf("the server has not answered within %v", p.answer)) })
	resp, err := p.RoundTripper.RoundTrip(req.WithContext(ctx))
	timer.Stop()
	if err != nil {
		err = cmp.Or(context.Cause(ctx), err)
		cancel(nil)
		return nil, err
	}
	resp.Body = &timedBody{ReadCloser: resp.Body, timeouts: p.timeouts, left: p.piece, ctx: ctx, cancel: cancel}
	return resp, nil
}

// A timedBody is the body of an answer. Only the time of reading counts: if this computer
// writes what it reads to a slow disk, the server is not to blame.
type timedBody struct {
	io.ReadCloser
	timeouts
	left   time.Duration // of the time for the current piece
	got    int           // bytes of the current piece
	ctx    context.Context
	cancel context.CancelCauseFunc
}

func (b *timedBody) Read(p []byte) (int, error) {
	start := time.Now()
	timer := time.AfterFunc(b.left, func() {
		b.cancel(fmt.Errorf("the server has sent less than %d bytes in %v", piece, b.piece))
	})
	n, err := b.ReadCloser.Read(p)
	timer.Stop()
	b.left -= time.Since(start)
	if b.got += n; b.got >= piece {
		b.got, b.left = 0, b.piece
	}
	if err != nil && err != io.EOF {
		err = cmp.Or(context.Cause(b.ctx), err)
	}
	return n, err
}

func (b *timedBody) Close() error {
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
