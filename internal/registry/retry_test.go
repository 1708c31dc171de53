package registry

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"bkt/internal/hint"

	"github.com/containers/image/v5/docker"
)

// TestNextDelay checks how long bkt waits, how often, and that a registry that is busy can
// ask for another time.
func TestNextDelay(t *testing.T) {
	broken := docker.UnexpectedHTTPStatusError{StatusCode: http.StatusBadGateway}
	busy := func(after time.Duration) error {
		return fmt.Errorf("pushing: %w", busyError{docker.ErrTooManyRequests, after})
	}
	const s = time.Second
	tests := []struct {
		name   string
		delays []time.Duration
		err    error
		want   []time.Duration
		hints  int
	}{
		{"broken", retryDelays, broken, []time.Duration{s, 2 * s, 4 * s}, 0},
		{"busy", retryDelays, docker.ErrTooManyRequests, []time.Duration{s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 60 * s, 60 * s}, 1},
		{"busy, and asks", retryDelays, busy(15 * s), slices.Repeat([]time.Duration{15 * s}, 8), 1},
		{"busy, and does not ask", retryDelays, busy(0), []time.Duration{s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 60 * s, 60 * s}, 1},
		{"busy for long", retryDelays, busy(time.Hour), nil, 1},
		{"no retries", nil, busy(s), nil, 0},
	}
	for _, tt := range tests {
		var got []time.Duration
		n := 0
		for ; n < 20; n++ {
			delay, ok := nextDelay(tt.delays, n, tt.err)
			if !ok {
				break
			}
			got = append(got, delay)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, not %v", tt.name, got, tt.want)
		}
		err := gaveUp(n, tt.err)
		if hints := hint.Of(err); len(hints) != tt.hints || !errors.Is(err, tt.err) {
			t.Errorf("%s: hints %q", tt.name, hints)
		}
	}
}
