package contract_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"

	"github.com/google/go-cmp/cmp"
)

func TestReports(t *testing.T) {
	var pipe bytes.Buffer
	if err := contract.Report(&pipe, nil, 0); err != nil {
		t.Fatal(err)
	}
	if err := contract.AwaitReport(&pipe); err != nil {
		t.Errorf("ready: %v", err)
	}
	if err := contract.AwaitReport(&pipe); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("ended without a word: %v", err)
	}
	failure := hint.Add(hint.Add(errors.New("no luck"), "inner"), "outer")
	if err := contract.Report(&pipe, failure, 75); err != nil {
		t.Fatal(err)
	}
	err := contract.AwaitReport(&pipe)
	start, ok := errors.AsType[*contract.StartError](err)
	if !ok || start.Message != "no luck" || start.Status != 75 {
		t.Errorf("failed: %v", err)
	}
	if diff := cmp.Diff([]string{"outer", "inner"}, hint.Of(err)); diff != "" {
		t.Errorf("hints: -want +got:\n%s", diff)
	}
	both := errors.Join(errors.New("one"), hint.Add(errors.New("two"), "fix it"))
	if err := contract.Report(&pipe, both, 1); err != nil {
		t.Fatal(err)
	}
	err = contract.AwaitReport(&pipe)
	if err == nil || err.Error() != "one\ntwo" || len(hint.Of(err)) != 1 {
		t.Errorf("two reasons: %v, %q", err, hint.Of(err))
	}
	if err := contract.AwaitReport(strings.NewReader("nonsense\n")); err == nil {
		t.Error("nonsense is no error")
	}
}

func TestNoStateNoLock(t *testing.T) {
	dir := t.TempDir()
	if held, err := contract.Held(dir); held || err != nil {
		t.Errorf("held: %v, %v", held, err)
	}
	if state, err := contract.ReadState(dir); err == nil {
		t.Errorf("state: %v", state)
	}
}
