package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"bkt/internal/hint"
	"bkt/internal/owner"
	"bkt/internal/plan"
)

// fetchTimeout is how long a file of limited size may take.
const fetchTimeout = 10 * time.Minute

// fetch downloads a file. It moves the file to its place only when it is complete and its
// checksum is right.
func fetch(ctx context.Context, f plan.Fetch) error {
	if err := owner.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
		return err
	}
	to, err := newDraft(f.Path, 0o644)
	if err != nil {
		return err
	}
	defer to.cleanup()
	if err := download(ctx, f, to); err != nil {
		return fmt.Errorf("%s: %w", f.URL, err)
	}
	return to.put()
}

func download(ctx context.Context, f plan.Fetch, to io.Writer) error {
	from, err := url.Parse(f.URL)
	if err != nil {
		return err
	}
	if err := checkSafe(from, f); err != nil {
		return err
	}
	body, err := open(ctx, f)
	if err != nil {
		return err
	}
	defer body.Close()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(to, sum), io.LimitReader(body, f.Limit+1))
	switch got := hex.EncodeToString(sum.Sum(nil)); {
	case err != nil:
		return err
	case n > f.Limit:
		return fmt.Errorf("is larger than %d bytes", f.Limit)
	case f.SHA256 != "" && got != f.SHA256:
		return hint.Add(fmt.Errorf("its sha256 is %s, not %s", got, f.SHA256),
			"if the file has a new release that you trust, write its sha256 into the manifest")
	}
	return nil
}

// checkSafe returns an error if others could change what comes from a URL.
func checkSafe(from *url.URL, f plan.Fetch) error {
	if from.Scheme == "file" {
		return nil
	}
	return safe(from, f.SHA256 != "")
}

// open returns the content of the URL.
func open(ctx context.Context, f plan.Fetch) (io.ReadCloser, error) {
	c := client(ctx, checkRedirect)
	c.Timeout = fetchTimeout
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, unwrapURL(err)
	}
	if err := checkSafe(resp.Request.URL, f); err != nil { // it redirects there
		resp.Body.Close()
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound && f.Missing != "" {
		return nil, errors.New(f.Missing)
	}
	return nil, fmt.Errorf("the answer is %s", resp.Status)
}

// unwrapURL removes the URL from an error: the caller adds it.
func unwrapURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
