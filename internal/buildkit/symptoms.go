package buildkit

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/errdefs"
)

// symptoms are what the output of steps says about why one of them fails: the engine
// only knows its exit code.
type symptoms struct {
	unrunnable bool                      // a program is for another platform
	unreached  map[string]unreachedError // what a step did not reach, by the step's digest
}

// An unreachedError is the error of a step that did not reach something.
type unreachedError struct {
	error
	port int // of the loopback interface; 0: it was on another machine
}

func (e unreachedError) Unwrap() error { return e.error }

// add reads a part of the output.
func (s *symptoms) add(status *client.SolveStatus) {
	s.unrunnable = s.unrunnable || isUnrunnable(status)
	for _, l := range status.Logs {
		for line := range bytes.Lines(l.Data) {
			port, ok := unreached(strings.ToLower(string(line)))
			if !ok {
				continue
			}
			if s.unreached == nil {
				s.unreached = map[string]unreachedError{}
			}
			s.unreached[l.Vertex.String()] = unreachedError{port: port}
		}
	}
}

// mark returns the error of the build with what explains it.
func (s *symptoms) mark(err error) error {
	if s.unrunnable {
		return platformError{err}
	}
	failed, ok := errors.AsType[*errdefs.VertexError](err)
	if !ok {
		return err
	}
	if e, ok := s.unreached[failed.Digest]; ok {
		return unreachedError{err, e.port}
	}
	return err
}

// unreached reports whether a line, in lower case, says that a program did not reach
// another one, and returns the port if that was on the loopback interface.
func unreached(line string) (port int, ok bool) {
	for _, text := range []string{"refused", "to connect", "not connect", "n't connect"} {
		if strings.Contains(line, text) {
			port = localPort(line)
			return port, port != 0
		}
	}
	for _, text := range []string{"could not resolve", "couldn't resolve", "name resolution", "name or service not known", "network is unreachable"} {
		if strings.Contains(line, text) {
			return 0, true
		}
	}
	return 0, false
}

// localPort returns the port of the first address on the loopback interface in a line,
// as in "127.0.0.1:80", "localhost port 80" or "host='127.0.0.1', port=80"; 0 if the
// line has none.
func localPort(line string) int {
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]"} {
		_, rest, ok := strings.Cut(line, host)
		if !ok {
			continue
		}
		digits := strings.TrimLeft(rest, "'\" ,:/=|()port")
		if len(rest)-len(digits) > len("', port=") {
			continue
		}
		end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
		if end >= 0 {
			digits = digits[:end]
		}
		if port, err := strconv.ParseUint(digits, 10, 16); err == nil {
			return int(port)
		}
	}
	return 0
}
