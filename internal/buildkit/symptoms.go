package buildkit

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/opencontainers/go-digest"
)

// symptoms are what the output of steps says about why one of them fails: the engine
// only knows its exit code.
type symptoms struct {
	unrunnable bool                      // a program is for another platform
	unreached  map[string]unreachedError // what a step did not reach, by the step's digest
	outputs    outputs
}

// outputs are the ends of the outputs of steps that have not succeeded, by their digest.
type outputs map[digest.Digest][]byte

// maxOutput is how much of an output is kept, in bytes: enough for a line about each of
// a few thousand packages.
const maxOutput = 256 << 10

// add reads a part of the output.
func (o outputs) add(status *client.SolveStatus) {
	for _, l := range status.Logs {
		text := append(o[l.Vertex], l.Data...)
		if len(text) > 2*maxOutput {
			text = slices.Clone(text[len(text)-maxOutput:])
		}
		o[l.Vertex] = text
	}
	for _, v := range status.Vertexes {
		if v.Completed != nil && v.Error == "" {
			delete(o, v.Digest)
		}
	}
}

// A loudError is the error of a step, with its output.
type loudError struct {
	error
	output string
}

func (e loudError) Unwrap() error { return e.error }

// An unreachedError is the error of a step that did not reach something.
type unreachedError struct {
	error
	port int // of the loopback interface; 0: it was on another machine
}

func (e unreachedError) Unwrap() error { return e.error }

// add reads a part of the output.
func (s *symptoms) add(status *client.SolveStatus) {
	s.unrunnable = s.unrunnable || isUnrunnable(status)
	if s.outputs == nil {
		s.outputs = outputs{}
	}
	s.outputs.add(status)
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
	failed, ok := errors.AsType[*errdefs.VertexError](err)
	if ok {
		err = loudError{err, string(s.outputs[digest.Digest(failed.Digest)])}
	}
	if s.unrunnable {
		return platformError{err}
	}
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
