package engineclient

import (
	"context"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
)

// Message returns the text of an error of BuildKit, without the names of the
// functions that it passed through, and without the line, which follows the
// name of the file.
func Message(err error) string {
	text := err.Error()
	for _, prefix := range []string{
		"failed to solve: ",
		"failed to run Build function: ",
		"failed to compute cache key: ",
		"failed to call info: ",
	} {
		text = strings.TrimPrefix(text, prefix)
	}
	for _, start := range []string{"dockerfile parse error on line ", "failed to calculate checksum of ref "} {
		if _, rest, ok := strings.Cut(text, ": "); ok && strings.HasPrefix(text, start) {
			text = rest
		}
	}
	// gRPC wraps the error of the system.
	if _, rest, ok := strings.Cut(text, "Error while dialing: "); ok {
		text = strings.TrimSuffix(rest, `"`)
	}
	if _, rest, ok := strings.Cut(text, "authentication handshake failed: "); ok {
		text = "TLS: " + strings.TrimPrefix(strings.TrimSuffix(rest, `"`), "tls: ")
	}
	return text
}

// Answers reports whether the engine answers within three seconds.
func Answers(ctx context.Context, c *client.Client) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return probe(ctx, c) == nil
}
