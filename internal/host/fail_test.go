package host_test

import (
	"errors"
	"testing"

	"bkt/internal/plan"
)

func TestFailFails(t *testing.T) {
	reason := errors.New("there is no way")
	if err := carryOut(t, plan.Fail{Reason: reason}); !errors.Is(err, reason) {
		t.Errorf("error is %v", err)
	}
}
