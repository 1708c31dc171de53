package engineclient

import (
	"context"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
)

// Message returns the message of err without what says which of BuildKit's
// functions it came through, and without the line, as that follows the name of
// the file.
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
	// The words of gRPC are around those of the system.
	if _, rest, ok := strings.Cut(text, "Error while dialing: "); ok {
		text = strings.TrimSuffix(rest, `"`)
	}
	if _, rest, ok := strings.Cut(text, "authentication handshake failed: "); ok {
		text = "TLS: " + strings.TrimPrefix(strings.TrimSuffix(rest, `"`), "tls: ")
	}
	return text
}

// Answers says whether the engine still answers, when a call to it has failed.
func Answers(ctx context.Context, c *client.Client) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return probe(ctx, c) == nil
}
