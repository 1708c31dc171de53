package buildkit

import (
	"strings"
	"testing"
)

// TestUnreached checks the messages of common programs.
func TestUnreached(t *testing.T) {
	for _, tt := range []struct {
		line string
		port int
		ok   bool
	}{
		{"curl: (7) Failed to connect to 127.0.0.1 port 8080 after 0 ms: Couldn't connect to server", 8080, true},
		{"curl: (7) Failed to connect to localhost port 8080: Connection refused", 8080, true},
		{"wget: can't connect to remote host (127.0.0.1): Connection refused", 0, false},
		{"Connecting to 127.0.0.1:8080... failed: Connection refused.", 8080, true},
		{"Connecting to localhost (localhost)|127.0.0.1|:8080... failed: Connection refused.", 8080, true},
		{">>> Curl error (7): Could not connect to server for http://x.test/ [Failed to connect to 127.0.0.1 port 18899 after 0 ms: Could not connect to server]", 18899, true},
		{"Could not connect to 127.0.0.1:3142 (127.0.0.1). - connect (111: Connection refused)", 3142, true},
		{"urllib3: HTTPConnectionPool(host='127.0.0.1', port=3141): Max retries exceeded: Connection refused", 3141, true},
		{"sh: line 1: /dev/tcp/127.0.0.1/80: Connection refused", 80, true},
		{"dial tcp [::1]:8080: connect: connection refused", 8080, true},
		{"npm error FetchError: connect ECONNREFUSED 127.0.0.1:4873", 4873, true},
		{"psql: error: connection to server at \"localhost\" (127.0.0.1), port 5432 failed: Connection refused", 5432, true},
		{"curl: (6) Could not resolve host: example.org", 0, true},
		{"Temporary failure in name resolution", 0, true},
		{"connect: Network is unreachable", 0, true},
		{"curl: (7) Failed to connect to example.org port 443: Connection refused", 0, false},
		{"listening at 127.0.0.1:8080", 0, false},
		{"127.0.0.1:99999: Connection refused", 0, false},
		{"localhost: Connection refused", 0, false},
		{"", 0, false},
	} {
		if port, ok := unreached(strings.ToLower(tt.line)); port != tt.port || ok != tt.ok {
			t.Errorf("%q: %d, %v", tt.line, port, ok)
		}
	}
}
