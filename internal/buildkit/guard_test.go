package buildkit

import (
	"context"
	"errors"
	"testing"

	"bkt/internal/crash"
	"bkt/internal/engineclient"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
)

// TestGuard checks that a panic in what BuildKit calls in a goroutine of its own
// ends up as an error, and reaches the user as what it is.
func TestGuard(t *testing.T) {
	var broken error
	build := guard(func(context.Context, gateway.Client) (*gateway.Result, error) { panic("broken") }, &broken)
	_, err := build(t.Context(), nil)
	if err == nil || broken != err {
		t.Fatalf("error is %v, and %v is remembered", err, broken)
	}
	told := explain(t.Context(), nil, engineclient.Config{}, "Containerfile", broken)
	if _, ok := errors.AsType[*crash.Error](told); !ok {
		t.Errorf("told as %v", told)
	}
}

func TestGuardLeavesResultsAlone(t *testing.T) {
	want, failed := gateway.NewResult(), errors.New("failed")
	var broken error
	res, err := guard(func(context.Context, gateway.Client) (*gateway.Result, error) { return want, failed }, &broken)(t.Context(), nil)
	if res != want || err != failed || broken != nil {
		t.Errorf("got %v, %v, and %v is remembered", res, err, broken)
	}
}
