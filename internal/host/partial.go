package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bkt/internal/hint"
	"bkt/internal/owner"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
)

// askTimeout is how long all answers to one question may take.
const askTimeout = time.Minute

// Progress gets the number of downloaded bytes of a program, and its total size: 0 if the
// server does not send it.
type Progress func(name string, done, total int64)

type progressKey struct{}

// WithProgress returns a context in which [Executor.Execute] reports the progress of
// downloaded programs.
func WithProgress(ctx context.Context, p Progress) context.Context {
	return context.WithValue(ctx, progressKey{}, p)
}

func progressOf(ctx context.Context) Progress {
	if p, ok := ctx.Value(progressKey{}).(Progress); ok {
		return p
	}
	return func(string, int64, int64) {}
}

// A partial is an incomplete download. A second file has its URL, and the version of the
// file there.
type partial struct{ path string }

func (p partial) remove() {
	_ = os.Remove(p.path)
	_ = os.Remove(p.of())
}

func (p partial) of() string { return p.path + ".of" }

// validator returns the header by which the server distinguishes versions of a file, "" if
// it has no reliable one.
func validator(h http.Header) string {
	if tag := h.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return h.Get("Last-Modified")
}

// begun returns the number of downloaded bytes of the file at a URL, and its validator.
func (p partial) begun(url string) (size int64, validator string) {
	text, err := plainfile.Read(p.of(), plainfile.MaxText)
	info, errFile := os.Stat(p.path)
	of, validator, _ := strings.Cut(string(text), "\n")
	if errors.Join(err, errFile) != nil || of != url || validator == "" {
		return 0, ""
	}
	return info.Size(), validator
}

// download completes the file. It keeps an interrupted download that can be continued.
func (p partial) download(ctx context.Context, i plan.Install, s plan.Source) error {
	done, known := p.begun(s.URL)
	resp, done, err := p.request(ctx, s, done, known)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	known = cmp.Or(validator(resp.Header), known)
	total := done + max(resp.ContentLength, 0)
	if err := fits(total, i.Limit, s.Size, resp.ContentLength >= 0); err != nil {
		p.remove()
		return err
	}
	to, err := p.open(s.URL, known, done)
	if err != nil {
		return err
	}
	n, err := io.Copy(&progressWriter{to, i.Name, done, total, progressOf(ctx)}, io.LimitReader(resp.Body, i.Limit-done+1))
	err = errors.Join(err, to.Close())
	if err == nil {
		err = fits(done+n, i.Limit, s.Size, true)
	} else if known != "" {
		return err // the next run continues the download
	}
	if err != nil {
		p.remove()
	}
	return err
}

// fits returns an error if a size is wrong.
func fits(size, limit, want int64, known bool) error {
	switch {
	case size > limit:
		return fmt.Errorf("is larger than %d bytes", limit)
	case known && want != 0 && size != want:
		return fmt.Errorf("has %d bytes, not %d", size, want)
	}
	return nil
}

// request requests the missing part of the file, and returns the number of bytes that the
// answer omits.
func (p partial) request(ctx context.Context, s plan.Source, done int64, known string) (*http.Response, int64, error) {
	header := http.Header{"Accept-Encoding": {"identity"}}
	if done > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", done))
		header.Set("If-Range", known)
	}
	resp, err := get(ctx, s.URL, header, s.SHA256 != "")
	if err != nil {
		return nil, 0, err
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		return resp, 0, nil
	case resp.StatusCode == http.StatusPartialContent && strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", done)):
		return resp, done, nil
	}
	resp.Body.Close()
	if done > 0 { // the file may be complete already: start again
		return p.request(ctx, s, 0, "")
	}
	return nil, 0, fmt.Errorf("the answer is %s", resp.Status)
}

// open returns the file to append to. It writes the second file first: without that, the
// download does not count.
func (p partial) open(url, known string, done int64) (*os.File, error) {
	if done == 0 {
		p.remove()
	}
	f, err := os.OpenFile(p.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	err = owner.Give(f, filepath.Dir(p.path))
	if err == nil && known != "" {
		err = writeFile(plan.Overwrite{Path: p.of(), Text: []byte(url + "\n" + known)}, 0o600)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// A progressWriter reports the progress of a download.
type progressWriter struct {
	to          io.Writer
	name        string
	done, total int64
	progress    Progress
}

func (t *progressWriter) Write(b []byte) (int, error) {
	n, err := t.to.Write(b)
	t.done += int64(n)
	t.progress(t.name, t.done, t.total)
	return n, err
}

var errUnsafe = hint.Add(errors.New("is not safe: others on the network could replace the file"), "use a URL that begins with https://, or add the sha256 of the file to the manifest")

// safe returns an error if others could change the answer of a URL unnoticed. verified says
// that its sha256 is known.
func safe(u *url.URL, verified bool) error {
	switch ip := net.ParseIP(u.Hostname()); {
	case u.Scheme == "https", u.Scheme == "http" && (verified || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()):
		return nil
	case u.Scheme != "http":
		return fmt.Errorf("unsupported protocol scheme %q", u.Scheme)
	}
	return errUnsafe
}

// get requests a safe URL, and follows only safe redirects; verified is as in [safe]. It does not send credentials to
// other servers.
func get(ctx context.Context, address string, header http.Header, verified bool) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header = header
	if req.URL.Scheme != "file" {
		if err := safe(req.URL, verified); err != nil {
			return nil, err
		}
	}
	c := client(ctx, func(next *http.Request, via []*http.Request) error {
		if next.URL.Host != via[0].URL.Host {
			next.Header.Del("Authorization")
		}
		// A URL that is safe in itself leads only to such ones.
		if err := safe(next.URL, verified && safe(via[0].URL, false) != nil); err != nil {
			return fmt.Errorf("redirects to %s, which %w", next.URL.Redacted(), err)
		}
		return checkRedirect(next, via)
	})
	resp, err := c.Do(req)
	return resp, unwrapURL(err)
}

// ask returns the first answer to a request, and its URL.
func ask(ctx context.Context, a plan.Ask) (from string, text []byte, err error) {
	header := http.Header{}
	if a.Token != "" {
		header.Set("Authorization", "Bearer "+a.Token)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, askTimeout, fmt.Errorf("the server has not answered completely within %v", askTimeout))
	defer cancel()
	for _, address := range a.URLs {
		text, err = answer(ctx, a, address, header.Clone())
		if !errors.Is(err, errMissing) {
			return address, text, err
		}
	}
	if a.Missing != "" {
		err = errors.New(a.Missing)
	}
	return a.URLs[0], nil, err
}

var errMissing = errors.New("the answer is 404 Not Found")

func answer(ctx context.Context, a plan.Ask, address string, header http.Header) ([]byte, error) {
	resp, err := get(ctx, address, header, false)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		text, err := io.ReadAll(io.LimitReader(resp.Body, a.Limit+1))
		if err == nil && int64(len(text)) > a.Limit {
			err = fmt.Errorf("is larger than %d bytes", a.Limit)
		}
		return text, err
	case http.StatusNotFound:
		return nil, errMissing
	}
	err = fmt.Errorf("the answer is %s", resp.Status)
	if resp.StatusCode < http.StatusInternalServerError && a.Refused != "" {
		err = hint.Add(err, "%s", a.Refused)
	}
	return nil, err
}
