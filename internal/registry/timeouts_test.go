//go:build containers_image_openpgp

package registry

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"bkt/internal/hint"
)

const never = time.Hour

// TestSlowRegistry checks that a question to a registry ends that does not answer, or sends
// a byte from time to time, and that a push ends if the registry takes nothing.
func TestSlowRegistry(t *testing.T) {
	silent := func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }
	trickle := func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v2/" {
			return false
		}
		w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, " ")
			w.(http.Flusher).Flush()
			<-tick.C
		}
		return true
	}
	over := make(chan struct{}) // a server does not notice that a client goes whose request it does not read
	takesNothing := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPatch && r.Method != http.MethodPut {
			return false
		}
		<-over
		return true
	}
	ask := func(ctx context.Context, name string) error {
		_, err := inspect(ctx, name, nil, describe)
		return err
	}
	image := makeImage(t, 1<<20)
	send := func(ctx context.Context, name string) error {
		_, err := push(ctx, image, name, io.Discard, nil)
		return err
	}
	tests := []struct {
		name     string
		broken   fault
		run      func(context.Context, string) error
		timeouts timeouts
		err      string
	}{
		{"a question to a silent one", silent, ask, timeouts{50 * time.Millisecond, never}, "the registry has not answered completely within 50ms"},
		{"a question to a slow one", trickle, ask, timeouts{50 * time.Millisecond, never}, "the registry has not answered completely within 50ms"},
		{"a push", takesNothing, send, timeouts{never, 50 * time.Millisecond}, "the registry has taken nothing for 50ms"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			name := serve(t, tt.broken) + "/a:1"
			err := tt.run(context.WithValue(t.Context(), timeoutsKey{}, tt.timeouts), name)
			if tt.name == "a push" {
				close(over)
			}
			if err == nil || !strings.Contains(err.Error(), name+": "+tt.err) {
				t.Errorf("error is %v, %q", err, hint.Of(err))
			}
		})
	}
}
